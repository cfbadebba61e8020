"""DSSM by Torch-RecHub: softmax over the other items of the batch.

Its towers have a batch normalisation in every layer, the last one too, which cannot be left out. Its in-batch softmax leaves the
temperature out that the model is given; without it cosines are too narrow for a softmax, so the users' vectors carry it here.
"""

from itertools import chain, islice, repeat

import numpy as np
import torch
from stand import Stand, best_of
from torch_rechub.basic.features import SparseFeature
from torch_rechub.basic.initializers import RandomNormal
from torch_rechub.models.matching import DSSM
from torch_rechub.trainers import MatchTrainer
from torch_rechub.utils.data import MatchDataGenerator


class WithTemperature(DSSM):
    """Users' vectors of length 1 / temperature."""

    def user_tower(self, x: dict[str, torch.Tensor]) -> torch.Tensor | None:
        """float32 (rows, width); nothing where items alone are asked for."""
        found = super().user_tower(x)
        return None if found is None else found / self.temperature


stand = Stand()
words, facts = stand.words, stand.facts
torch.manual_seed(stand.seed)
begin = RandomNormal(0, words["std"])
known = {
    side: np.column_stack([np.arange(facts[f"{side}s"], dtype=np.int32), stand.array(f"{side}_features")]) for side in ("user", "item")
}


def fields(side: str) -> list[SparseFeature]:
    """The id and the features of users or items."""
    sizes = [facts[f"{side}s"], *facts[f"{side}_sizes"]]
    return [SparseFeature(f"{side}{place}", size, words["width"], initializer=begin) for place, size in enumerate(sizes)]


def columns(side: str, ids: np.ndarray) -> dict[str, np.ndarray]:
    """Their values for ids (rows,), by name."""
    return {f"{side}{place}": column[ids] for place, column in enumerate(known[side].T)}


def vectors(side: str, ids: np.ndarray) -> np.ndarray:
    """What the tower makes of ids, (rows, width)."""
    model.mode = side
    with torch.no_grad():
        return model({name: torch.from_numpy(column) for name, column in columns(side, ids).items()}).numpy()


tower = {"dims": [*words["layers"], words["width"]], "activation": "prelu", "dropout": 0.0}
model = WithTemperature(fields("user"), fields("item"), tower, tower, words["temperature"])
trainer = MatchTrainer(
    model,
    mode=2,
    in_batch_neg=True,
    optimizer_params={"lr": words["rate"], "weight_decay": 0.0},
    model_path=str(stand.scratch),
)
user, item = stand.array("train_user"), stand.array("train_item")
pairs = columns("user", user) | columns("item", item)
asked = stand.asked()
everything = np.arange(facts["items"])
loader, _, _ = MatchDataGenerator(pairs, np.ones(len(user), dtype=np.int64)).generate_dataloader(
    columns("user", asked), columns("item", everything), words["batch"], num_workers=0
)
batches = chain.from_iterable(repeat(loader))
steps = words["round"] or len(loader)
trainer.train_one_epoch(islice(batches, steps))
with stand.measuring():
    trainer.train_one_epoch(islice(batches, words["measured"] * steps))
share = words["measured"] * (words["round"] * words["batch"] / facts["rows"] or 1)
model.eval()
scores = vectors("user", asked) @ vectors("item", everything).T
lists = best_of(scores, stand.seen(asked))
stand.tell(stand.seconds[0] / share, stand.judged(lists), f"{share:.2g} epochs were measured")
