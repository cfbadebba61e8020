"""A dataset from a log by a plain script with pandas, as one would write it by hand with its faster reader.

Names become numbers at once, so that all later steps work on numbers.
"""

import numpy as np
import pandas as pd
from stand import Stand

LEAST = 5


def main(stand: Stand) -> dict[str, float]:
    """Writes the parts as arrays, and the names of users and items as tables. Returns how much is left."""
    text = pd.read_csv(stand.files / "log" / "log.inter", sep="\t", engine="pyarrow")
    text.columns = [name.split(":")[0] for name in text.columns]
    user, users = pd.factorize(text["user_id"])
    item, items = pd.factorize(text["item_id"])
    log = pd.DataFrame({"user": user, "item": item, "time": text["timestamp"].astype("float64")})
    del text, user, item
    log = log.sort_values("time", kind="stable").drop_duplicates(["user", "item"])
    while True:
        enough = (np.bincount(log["user"])[log["user"]] >= LEAST) & (np.bincount(log["item"])[log["item"]] >= LEAST)
        if enough.all():
            break
        log = log[enough]
    log["user"], kept_users = pd.factorize(log["user"])
    log["item"], kept_items = pd.factorize(log["item"])
    log = log.sort_values(["user", "time"], kind="stable")
    place = log.groupby("user").cumcount(ascending=False)
    for part, chosen in {"train": place > 1, "valid": place == 1, "test": place == 0}.items():
        rows = log[chosen]
        for column, kind in {"user": np.int32, "item": np.int32, "time": np.float64}.items():
            np.save(stand.scratch / f"{part}_{column}.npy", rows[column].to_numpy(kind))
    for name, names in {"users": users[kept_users], "items": items[kept_items]}.items():
        pd.DataFrame({"name": names}).to_parquet(stand.scratch / f"{name}.parquet")
    return {"rows": len(log), "users": len(kept_users), "items": len(kept_items)}


stand = Stand()
with stand.measuring():
    kept = main(stand)
stand.tell(stand.seconds[0], kept)
