"""KuaiRand-Pure: videos shown and clicked on Kuaishou (Gao et al. 2022)."""

from __future__ import annotations

from turret.data.catalogue.entry import Checksum, Entry, Original
from turret.data.catalogue.originals import Originals
from turret.data.catalogue.tables import Tables, sequence

FILE = "KuaiRand-Pure.tar.gz"
LOGS = ("log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv")
USER = (
    *("user_active_degree", "is_lowactive_period", "is_live_streamer", "is_video_author", "follow_user_num_range"),
    *("fans_user_num_range", "friend_user_num_range", "register_days_range"),
    *(f"onehot_feat{number}" for number in range(18)),
)
VIDEO = ("author_id", "video_type", "upload_type", "music_type", "video_duration")


def kuairand(originals: Originals, tables: Tables) -> None:
    """The log of the standard feeds with clicks as labels, users and videos.

    What else people did with a video (likes, time watched) is known only after it was shown, so it is no feature and is left out, and so
    are the videos' statistics, which were taken over the whole period.
    """
    with tables.table("inter", "user_id:token item_id:token label:float timestamp:float tab:token") as row:
        for log in LOGS:
            for user, video, click, time, tab in originals.table(FILE, log, ("user_id", "video_id", "is_click", "time_ms", "tab")):
                row(user, video, click, f"{time[:-3] or 0}.{time[-3:]:0>3}", tab)
    with tables.table("user", "user_id:token " + " ".join(f"{name}:token" for name in USER)) as row:
        for cells in originals.table(FILE, "user_features_pure.csv", ("user_id", *USER)):
            row(*cells)
    header = " ".join(f"{name}:{'float' if name == 'video_duration' else 'token'}" for name in VIDEO)
    with tables.table("item", f"item_id:token {header} tags:token_seq") as row:
        for *cells, tags in originals.table(FILE, "video_features_basic_pure.csv", ("video_id", *VIDEO, "tag")):
            row(*cells, sequence(tags.split(",")))


ENTRIES = (
    Entry(
        name="kuairand-pure",
        title="KuaiRand-Pure",
        page="https://kuairand.com",
        licence="CC BY-SA 4.0",
        size="27,285 users, 7,551 videos, 1,436,609 impressions",
        originals=(
            Original(
                FILE,
                47_432_272,
                f"https://zenodo.org/records/10439422/files/{FILE}",
                Checksum("md5", "0820331067a3784d9691136f772b35a7", "Zenodo, in the record's list of files"),
            ),
        ),
        recipe=kuairand,
    ),
)
