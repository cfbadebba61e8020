"""A dataset from a log by RecBole.

It keeps the result in memory: what it could write (`save_dataset`) is a pickle of the log before the split. Its samplers and loaders, which
`data_preparation` makes beside the split, are left out, since Turret makes its own at training, too.
"""

from logging import getLogger

import torch
from recbole.config import Config
from recbole.data import create_dataset
from stand import Stand

SETTINGS = {
    "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
    "rm_dup_inter": "first",
    "user_inter_num_interval": "[5,inf)",
    "item_inter_num_interval": "[5,inf)",
    "eval_args": {"split": {"LS": "valid_and_test"}, "group_by": "user", "order": "TO", "mode": "full"},
    "use_gpu": False,
    "state": "ERROR",
    "show_progress": False,
}

stand = Stand()
torch.set_num_threads(stand.threads)
with stand.measuring():
    config = Config(
        model="BPR", dataset="log", config_dict={**SETTINGS, "data_path": str(stand.files), "checkpoint_dir": str(stand.scratch / "saved")}
    )
    getLogger().setLevel("ERROR")
    dataset = create_dataset(config)
    train, valid, test = dataset.build()
kept = {"rows": sum(len(part) for part in (train, valid, test)), "users": dataset.user_num - 1, "items": dataset.item_num - 1}
stand.tell(stand.seconds[0], kept, "writes nothing to the disk; without samplers and loaders")
