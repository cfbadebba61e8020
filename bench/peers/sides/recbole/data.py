"""The case's arrays as RecBole's dataset, and the lists of a fitted model."""

from __future__ import annotations

from logging import getLogger
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed
from stand import Stand


class Recbole:
    """A model of RecBole's on the files of a case, all of which are its training part.

    Args:
        stand: the job.
        model: its name there.
        config: further settings.

    Attributes:
        config, dataset, train: as RecBole has them.
        user_of, item_of: its numbers of ours.
    """

    def __init__(self, stand: Stand, model: str, **config: Any) -> None:
        name = "bench"
        folder = stand.scratch / name
        folder.mkdir()
        user, item = stand.array("train_user"), stand.array("train_item")
        for part, rows in (("train", slice(None)), ("valid", slice(1)), ("test", slice(1))):
            with (folder / f"{name}.{part}.inter").open("w") as file:
                file.write("user_id:token\titem_id:token\n")
                np.savetxt(file, np.column_stack([user[rows], item[rows]]), fmt="%d", delimiter="\t")
        columns = {"inter": ["user_id", "item_id"]}
        if "triples" in stand.facts:
            columns |= _write_graph(stand, folder / name)
        settings = {
            "data_path": str(stand.scratch),
            "benchmark_filename": ["train", "valid", "test"],
            "load_col": columns,
            "use_gpu": False,
            "seed": stand.seed,
            "reproducibility": False,
            "show_progress": False,
            "state": "ERROR",
            "checkpoint_dir": str(stand.scratch / "saved"),
            "worker": 0,
            **config,
        }
        self.config = Config(model=model, dataset=name, config_dict=settings)
        getLogger().setLevel("ERROR")
        init_seed(stand.seed, False)
        torch.set_num_threads(stand.threads)
        self.dataset = create_dataset(self.config)
        self.train, _, _ = data_preparation(self.config, self.dataset)
        self.user_of = self._numbers("user_id", stand.facts["users"])
        self.item_of = self._numbers("item_id", stand.facts["items"])

    def model(self) -> Any:
        """A new model."""
        return get_model(self.config["model"])(self.config, self.train._dataset).to("cpu")

    def trainer(self, model: Any) -> Any:
        """Its trainer."""
        return get_trainer(self.config["MODEL_TYPE"], self.config["model"])(self.config, model)

    def judged(self, stand: Stand, model: Any) -> dict[str, float]:
        """Quality of the lists of the users who are asked."""
        asked = stand.asked()
        return stand.judged(self.lists(model, asked, stand.seen(asked)))

    @torch.no_grad()
    def lists(self, model: Any, asked: np.ndarray, seen: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """The best items of each of these users, without those that were seen, from the model's scores of all: (users, 10)."""
        from recbole.data.interaction import Interaction
        from stand import best_of

        model.eval()
        rows, items = seen
        lists = np.empty((len(asked), 10), dtype=np.int64)
        for start in range(0, len(asked), 100):
            some = asked[start : start + 100]
            users = Interaction({"user_id": torch.from_numpy(self.user_of[some])})
            scores = model.full_sort_predict(users).view(len(some), -1).numpy()[:, self.item_of]
            here = (rows >= start) & (rows < start + len(some))
            lists[start : start + len(some)] = best_of(scores, (rows[here] - start, items[here]))
        return lists

    def _numbers(self, field: str, count: int) -> np.ndarray:
        known = self.dataset.field2token_id[field]
        return np.array([known[str(number)] for number in range(count)], dtype=np.int64)


def _write_graph(stand: Stand, stem: Path) -> dict[str, list[str]]:
    """Writes the case's triples, and that each item is the entity of its number. Returns the columns."""
    columns = {"kg": ["head_id", "relation_id", "tail_id"], "link": ["item_id", "entity_id"]}
    items = np.arange(stand.facts["items"])
    for kind, rows in (("kg", stand.array("triples")), ("link", np.column_stack([items, items]))):
        with stem.with_suffix(f".{kind}").open("w") as file:
            file.write("\t".join(f"{column}:token" for column in columns[kind]) + "\n")
            np.savetxt(file, rows, fmt="%d", delimiter="\t")
    return columns
