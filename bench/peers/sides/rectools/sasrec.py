"""SASRec by RecTools, whose blocks are the authors' with a projection after the heads. All sequences are filled up to 50.

Lightning trains without its bar, log and checkpoints; what is measured is from the beginning of an epoch to its end.
"""

import logging
import time

import torch
from pytorch_lightning import Callback, LightningModule, Trainer, seed_everything
from race import Race
from rectools import Columns
from rectools.models import SASRecModel
from stand import Stand

from data import dataset

logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
stand = Stand()
data, race = dataset(stand), Race(stand)
seed_everything(stand.seed)
torch.set_num_threads(stand.threads)


class Judge(Callback):
    """Measures each epoch, judges after it, and ends training where that is enough, or amid an epoch where its time is up."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The clock starts."""
        self.start = time.perf_counter()
        self.stretch = stand.measuring()
        self.stretch.__enter__()

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Looks at the time."""
        if sum(stand.seconds) + time.perf_counter() - self.start >= stand.words["within"]:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The clock stops; lists are asked for as of a fitted model."""
        self.stretch.__exit__(None, None, None)
        model.is_fitted = pl_module.is_fitted = True
        found = model.recommend(users=race.asked, dataset=data, k=10, filter_viewed=True)
        lists = found.sort_values([Columns.User, Columns.Rank])[Columns.Item].to_numpy().reshape(len(race.asked), 10)
        model.is_fitted = pl_module.is_fitted = False
        pl_module.train()
        trainer.should_stop = race.over(lists, trainer.global_step / -(-stand.facts["users"] // stand.words["batch"]))


def trainer() -> Trainer:
    """Lightning's trainer with nothing beside."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "logger": False, "enable_checkpointing": False}
    return Trainer(max_epochs=10_000, min_epochs=0, devices=1, accelerator="cpu", callbacks=[Judge()], **quiet)


model = SASRecModel(
    n_blocks=2,
    n_heads=2,
    n_factors=64,
    dropout_rate=0.2,
    session_max_len=50,
    loss="softmax",
    lr=0.001,
    batch_size=stand.words["batch"],
    dataloader_num_workers=0,
    get_trainer_func=trainer,
)
model.fit(data)
race.tell()
