"""Full ranking by RecBole's trainer, for its BPR model with the given vectors put into its tables."""

from __future__ import annotations

from logging import getLogger

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
from stand import Stand

USERS = 128
"""Scored at a time: the fastest of 8, 32, 128 and 512 on two processors; the default, 4096 scores, comes to one."""

stand = Stand()
name, length = "bench", stand.words["length"]
folder = stand.scratch / name
folder.mkdir()
# Its validation part, which it cannot do without, is a row of the training part.
for part, source, rows in (("train", "train", slice(None)), ("valid", "train", slice(1)), ("test", "test", slice(None))):
    pairs = np.column_stack([stand.array(f"{source}_user")[rows], stand.array(f"{source}_item")[rows]])
    with (folder / f"{name}.{part}.inter").open("w") as file:
        file.write("user_id:token\titem_id:token\n")
        file.write("\n".join(f"{user}\t{item}" for user, item in pairs.tolist()) + "\n")
settings = {
    "data_path": str(stand.scratch),
    "benchmark_filename": ["train", "valid", "test"],
    "load_col": {"inter": ["user_id", "item_id"]},
    "eval_args": {"mode": "full"},
    "eval_batch_size": USERS * (stand.facts["items"] + 1),
    "metrics": ["Recall", "NDCG"],
    "topk": [length],
    "valid_metric": f"Recall@{length}",
    "metric_decimal_place": 10,
    "embedding_size": stand.words["width"],
    "use_gpu": False,
    "reproducibility": False,
    "show_progress": False,
    "state": "ERROR",
    "checkpoint_dir": str(stand.scratch / "saved"),
    "worker": 0,
}
config = Config(model="BPR", dataset=name, config_dict=settings)
getLogger().setLevel("ERROR")
init_seed(stand.seed, False)
torch.set_num_threads(stand.threads)
dataset = create_dataset(config)
train, _, test = data_preparation(config, dataset)
model = get_model("BPR")(config, train.dataset).to("cpu")
with torch.no_grad():
    for field, table, vectors in (("user_id", model.user_embedding, "user"), ("item_id", model.item_embedding, "item")):
        numbers = dataset.field2token_id[field]
        known = np.array([number for number in range(stand.facts[f"{vectors}s"]) if str(number) in numbers])
        table.weight[[numbers[str(number)] for number in known]] = torch.from_numpy(stand.array(vectors)[known])
trainer = get_trainer(config["MODEL_TYPE"], "BPR")(config, model)
with stand.measuring(), torch.no_grad():
    found = trainer.evaluate(test, load_best_model=False)
absent = stand.facts["items"] + 1 - dataset.item_num  # which it does not know
note = f"{absent} items that nobody took are not ranked" if absent else ""
stand.tell(stand.seconds[0], {key: float(value) for key, value in found.items()}, note)
