"""A dataset from a log by Turret, which writes it, with the names of users and items, to the disk and opens it."""

from stand import Stand

from turret.data import Cleaning, DataConfig, Split, prepare

CONFIG = DataConfig(cleaning=Cleaning(duplicates="first", min_user_count=5, min_item_count=5), split=Split(split_mode="leave_one_out"))

stand = Stand()
with stand.measuring():
    data = prepare(stand.files / "log" / "log.inter", CONFIG, stand.scratch / "cache", threads=stand.threads)
rows = sum(len(part.interactions) for part in data.parts.values())
stand.tell(stand.seconds[0], {"rows": rows, "users": data.n_users, "items": data.n_items})
