"""SASRec by RecBole, which makes every prefix of a history a row with one target. A batch has 256 of them: with
its default of 2,048 it came a quarter as far in the same time.

Its blocks are BERT's, with a projection after the heads; its feed-forward layers are given the others' width and function. All of the
training part is made rows of: its `data_preparation` would keep back each user's last two items. The catalogue comes from a file of items.
"""

from itertools import islice
from logging import getLogger

import numpy as np
import torch
from race import Race
from recbole.config import Config
from recbole.data import create_dataset
from recbole.data.interaction import Interaction
from recbole.data.utils import get_dataloader
from recbole.utils import get_model, get_trainer, init_seed
from stand import Stand, best_of

LENGTH, PARTS, BATCH = 50, 8, 256

stand = Stand()
race = Race(stand)
user, item = stand.array("train_user"), stand.array("train_item")
(stand.scratch / "bench").mkdir()
with (stand.scratch / "bench" / "bench.inter").open("w") as file:
    file.write("user_id:token\titem_id:token\ttimestamp:float\n")
    table = np.column_stack([user, item, np.arange(len(user)) - np.searchsorted(user, user)])
    np.savetxt(file, table, fmt="%d", delimiter="\t")
with (stand.scratch / "bench" / "bench.item").open("w") as file:
    file.write("item_id:token\tnumber:float\n")
    np.savetxt(file, np.arange(stand.facts["items"])[:, None].repeat(2, 1), fmt="%d", delimiter="\t")
settings = {
    "data_path": str(stand.scratch),
    "checkpoint_dir": str(stand.scratch / "saved"),
    "load_col": {"inter": ["user_id", "item_id", "timestamp"], "item": ["item_id", "number"]},
    "use_gpu": False,
    "seed": stand.seed,
    "reproducibility": False,
    "show_progress": False,
    "state": "ERROR",
    "worker": 0,
    "MAX_ITEM_LIST_LENGTH": LENGTH,
    "train_neg_sample_args": None,
    "loss_type": "CE",
    "train_batch_size": BATCH,
    "learning_rate": 0.001,
    "hidden_size": 64,
    "inner_size": 64,
    "hidden_act": "relu",
    "n_layers": 2,
    "n_heads": 2,
    "hidden_dropout_prob": 0.2,
    "attn_dropout_prob": 0.2,
}
config = Config(model="SASRec", dataset="bench", config_dict=settings)
getLogger().setLevel("ERROR")
init_seed(stand.seed, False)
torch.set_num_threads(stand.threads)
dataset = create_dataset(config)
dataset._change_feat_format()  # makes the rows
train = get_dataloader(config, "train")(config, dataset, None, shuffle=True)
model = get_model("SASRec")(config, dataset)
trainer = get_trainer(config["MODEL_TYPE"], "SASRec")(config, model)

item_of = np.array([dataset.field2token_id["item_id"][str(number)] for number in range(stand.facts["items"])])
ends = np.searchsorted(user, race.asked, side="right")
lengths = np.minimum(ends - np.searchsorted(user, race.asked), LENGTH)
places = np.minimum(ends[:, None] - lengths[:, None] + np.arange(LENGTH), len(item) - 1)
histories = torch.from_numpy(np.where(np.arange(LENGTH) < lengths[:, None], item_of[item[places]], 0))
rows, seen = stand.seen(race.asked)


@torch.no_grad()
def lists() -> np.ndarray:
    """The best items of the asked users, (users, 10)."""
    model.eval()
    found = []
    for start in range(0, len(race.asked), 500):
        some = slice(start, start + 500)
        asked = Interaction({"item_id_list": histories[some], "item_length": torch.from_numpy(lengths[some])})
        scores = model.full_sort_predict(asked).numpy()[:, item_of]
        here = (rows >= start) & (rows < start + 500)
        found.append(best_of(scores, (rows[here] - start, seen[here])))
    return np.concatenate(found)


# The loop over batches within `fit`, over an eighth of an epoch at a time: a whole one may be longer than the time there is.
steps = -(-len(train) // PARTS)
parts, epoch = -(-len(train) // steps), iter(train)
while True:
    number, part = divmod(len(race.curve), parts)
    if part == 0:
        epoch = iter(train)
    with stand.measuring():
        trainer._train_epoch(islice(epoch, steps), number)
    if race.over(lists(), (len(race.curve) + 1) / parts):
        break
race.tell()
