"""What learning from impressions, or a model, needs of a dataset, and the words for what is missing."""

from __future__ import annotations

from turret.core.errors import InputError, UnsupportedError
from turret.core.features import Schema
from turret.data import knowledge, social
from turret.data.beside import Social, Triples
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


def needs_triples(prepared: Prepared, model: str) -> Triples:
    """The knowledge graph, for models of one.

    Args:
        prepared: the dataset.
        model: its name, for the error.

    Raises:
        InputError: there is none, or it tells of no item; says which file is missing, or what became of the triples.
    """
    if prepared.triples is None:
        raise InputError(
            f"{model} reads a knowledge graph, and {prepared.name} has none",
            hint=f"It is a table {prepared.name}.kg (head, relation, tail), beside a table {prepared.name}.link (item, entity).",
        )
    if not prepared.triples.told_of.any():
        raise InputError(
            f"{model} reads a knowledge graph, and that of {prepared.name} tells of no item", hint=_notes(prepared, knowledge.STEP)
        )
    return prepared.triples


def needs_social(prepared: Prepared, model: str) -> Social:
    """The links between users, for models of them.

    Args:
        prepared: the dataset.
        model: its name, for the error.

    Raises:
        InputError: there are none, or none between users that training saw; says which file is missing, or what became of the links.
    """
    if prepared.social is None:
        raise InputError(
            f"{model} reads links between users, and {prepared.name} has none",
            hint=f"They are a table {prepared.name}.net (source, target, and a weight if there is one).",
        )
    if not len(prepared.social):
        raise InputError(
            f"{model} reads links between users, and {prepared.name} has none between users that training saw",
            hint=_notes(prepared, social.STEP),
        )
    return prepared.social


def _notes(prepared: Prepared, step: str) -> str:
    """What preparing said of a graph."""
    return "\n  ".join(str(entry) for entry in prepared.report if entry.step == step)
