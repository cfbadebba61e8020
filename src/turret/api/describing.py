"""The features of a dataset, or of the dataset of a run, in words and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from turret.api.datasets import prepare
from turret.api.run import Run, opened
from turret.batches.schema import PLAIN, columns_of, names_of, schema_of
from turret.core.errors import InputError
from turret.data.columns import Column, Numbers, NumberSets, Tokens, TokenSets
from turret.data.features import ITEM, USER
from turret.data.numbering import Edges, Hashing
from turret.data.prepared import TRAIN, Prepared
from turret.data.scale import Scale
from turret.training.run_directory import MANIFEST


@dataclass(frozen=True)
class FeatureReport:
    """One feature, as rankers see it.

    Attributes:
        name: such as `item.genre`.
        kind: what it is: "category", "tags" or "number".
        made: how its values become ids or numbers.
        size: how many ids there are, 0 included; None for numbers.
        vectors: what is set about its vectors, in words; empty where nothing is.
        unknown: for each part of the split the share of rows in which it is missing or unknown to training.
    """

    name: str
    kind: str
    made: str
    size: int | None
    vectors: str
    unknown: Mapping[str, float]


def features(dataset: str | Path | Run, *, data_dir: str | Path | None = None, **options: Any) -> list[FeatureReport]:
    """The features that rankers read of a dataset, in the order of its schema.

    Args:
        dataset: a name, the path of a log or of a YAML file that describes one, or a run or its directory, whose dataset is meant.
        data_dir: a folder that holds dataset folders.
        options: those of data, as for `prepare`; a run's are its own.

    Raises:
        InputError: as `prepare`, or options are given for a run.
    """
    prepared = dataset_of(dataset, data_dir, options)
    schema = schema_of(prepared)
    found = [_embedded(feature.name, "category", feature.size, prepared) for feature in schema.categorical]
    found += [_embedded(feature.name, "tags", feature.size, prepared) for feature in schema.tags]
    return found + [_number(name, prepared) for name in schema.numbers]


def values(dataset: str | Path | Run, feature: str, *, data_dir: str | Path | None = None, **options: Any) -> list[str]:
    """The value of each id of a categorical feature or of tags, from id 1 on: row r of a file of pretrained vectors is of id r.

    Raises:
        InputError: as `features`; there is no such feature, or its ids have no values.
    """
    prepared = dataset_of(dataset, data_dir, options)
    names = [each.name for each in schema_of(prepared).embedded]
    if feature not in names:
        raise InputError(f"there is no categorical feature {feature!r}", hint=f"They are: {', '.join(names)}.")
    stand_for = names_of(prepared, feature)
    if stand_for is None:
        raise InputError(f"the ids of {feature} are hashes, which any value may have")
    known = {USER: prepared.n_users, ITEM: prepared.n_items}.get(feature, len(stand_for))
    return [stand_for.token(index) for index in range(known)]


def dataset_of(dataset: str | Path | Run, data_dir: str | Path | None, options: Mapping[str, Any]) -> Prepared:
    """The prepared dataset that is meant."""
    if isinstance(dataset, Run) or (Path(dataset) / MANIFEST).is_file():
        if options:
            raise InputError(f"a run's dataset is as it was trained on, so {', '.join(options)} cannot be set")
        return opened(dataset).prepared
    return prepare(dataset, data_dir=data_dir, **options)


def _embedded(name: str, kind: str, size: int, prepared: Prepared) -> FeatureReport:
    said = prepared.features.get(name, PLAIN)
    words = [f"those of {said.shared_with}"] if said.shared_with else []
    words += [f"width {said.width_of(size)}"] if said.width is not None else []
    words += [f"from {said.pretrained}"] if said.pretrained else []
    if kind == "tags":
        words += [f"{said.pooling}{f' by {said.target}' if said.target else ''}{f', the first {said.length}' if said.length else ''}"]
    made = "ids of the log" if name in (USER, ITEM) else _made(columns_of(prepared, TRAIN)[name][0])
    made += f", from {said.min_count} rows on" if said.min_count > 1 and said.hash_size is None else ""
    return FeatureReport(name, kind, made, size, ", ".join(words), {part: _unknown(name, prepared, part) for part in _parts(prepared)})


def _number(name: str, prepared: Prepared) -> FeatureReport:
    column = columns_of(prepared, TRAIN).get(name)
    if column is None:  # one of the numbers of a column that holds several
        name_of_column, _, place = name.rpartition(".")
        several = columns_of(prepared, TRAIN)[name_of_column][0]
        assert isinstance(several, NumberSets)
        made = _scaled(several.scales[int(place)])
    else:
        assert isinstance(column[0], Numbers)
        made = _scaled(column[0].scale)
    return FeatureReport(name, "number", made, None, "", {part: _unknown(name, prepared, part) for part in _parts(prepared)})


def _parts(prepared: Prepared) -> list[str]:
    return [name for name, part in prepared.parts.items() if len(part.interactions)]


def _unknown(name: str, prepared: Prepared, part: str) -> float:
    """The share of the rows of a part of which a feature has nothing to say."""
    log = prepared.interactions(part)
    if name in (USER, ITEM):
        ids, known = (log.user, prepared.n_users) if name == USER else (log.item, prepared.n_items)
        return float(np.mean(np.asarray(ids) >= known))
    columns = columns_of(prepared, part)
    column, rows = columns[name] if name in columns else columns[name.rpartition(".")[0]]
    if isinstance(column, Tokens):
        nothing = np.asarray(column.ids) == 0
    elif isinstance(column, Numbers):
        nothing = np.isnan(column.values)
    elif isinstance(column, NumberSets):
        nothing = np.isnan(column.at(int(name.rpartition(".")[2])))
    else:
        known_before = np.concatenate([[0], np.cumsum(np.asarray(column.ids) > 0)])
        nothing = np.diff(known_before[np.asarray(column.offsets)]) == 0
    return float(np.mean(nothing if rows is None else nothing[np.asarray(rows)]))


def _made(column: Column) -> str:
    assert isinstance(column, (Tokens, TokenSets))
    if isinstance(column.vocabulary, Hashing):
        return f"hashed to {len(column.vocabulary):,}"
    return f"{len(column.vocabulary):,} buckets" if isinstance(column.vocabulary, Edges) else f"{len(column.vocabulary):,} values"


def _scaled(scale: Scale) -> str:
    return "as it is" if scale.kind == "none" else f"{scale.kind.replace('_', '-')}: less {scale.shift:.4g}, by {scale.factor:.4g}"
