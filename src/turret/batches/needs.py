"""What learning from impressions, or a model, needs of a dataset, and the words for what is missing."""

from __future__ import annotations

from turret.core.errors import InputError, UnsupportedError
from turret.core.features import Schema
from turret.data.prepared import TRAIN, Prepared


def needs_labels(prepared: Prepared) -> None:
    """For whatever learns from impressions, or is measured on them.

    Raises:
        InputError: the dataset has no labels; says how it comes to some.
    """
    if prepared.interactions(TRAIN).label is None:
        raise InputError(
            f"{prepared.name} has no labels, and a ranker learns from what was shown and answered or not",
            hint="Say which column it is (--columns NAME=label), or from which rating on an interaction counts (--label_threshold 4).",
        )


def needs_earlier_choices(schema: Schema) -> None:
    """For models of behaviour.

    Raises:
        UnsupportedError: the dataset does not tell what a user chose before an impression.
    """
    if not schema.behaviour:
        raise UnsupportedError(
            "this model reads what a user chose before an impression, which this dataset does not tell\n"
            "  It takes columns of users, of items and of times (--columns NAME=time)."
        )


def needs_several_tasks(schema: Schema, most: int | None = None) -> None:
    """For models of several tasks.

    Args:
        schema: of the dataset.
        most: tasks that the model can learn; None: any number.

    Raises:
        UnsupportedError: the dataset has labels of one kind alone, or of more kinds than `most`.
    """
    if len(schema.tasks) < 2:
        raise UnsupportedError(
            f"this model learns several tasks together, and the dataset has one label alone: {', '.join(schema.tasks)}\n"
            "  It takes a column of labels a task."
        )
    if most is not None and len(schema.tasks) > most:
        raise UnsupportedError(f"this model learns {most} tasks, and the dataset has {len(schema.tasks)}: {', '.join(schema.tasks)}")
