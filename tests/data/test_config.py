"""Settings of features: as text, as YAML would hold them, and which of them the prepared data depend on."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from turret.data import DataConfig
from turret.data.config import Feature


@pytest.mark.parametrize(
    "said",
    [
        "C1.min_count=10,*.width=8,item.genre.pooling=max,I1.buckets=1:2.5:7,I2.buckets=4,I3.buckets=log_square",
        {
            "C1.min_count": "10",
            "*.width": "8",
            "item.genre.pooling": "max",
            "I1.buckets": "1:2.5:7",
            "I2.buckets": "4",
            "I3": {"buckets": "log_square"},
        },
        {
            "C1": {"min_count": 10},
            "*": {"width": 8},
            "item.genre": {"pooling": "max"},
            "I1": {"buckets": [1, 2.5, 7]},
            "I2": {"buckets": 4},
            "I3": {"buckets": "log_square"},
        },
    ],
)
def test_text_and_mappings_say_the_same(said: Any) -> None:
    assert DataConfig(features=said).features == {
        "C1": Feature(min_count=10),
        "*": Feature(width=8),
        "item.genre": Feature(pooling="max"),
        "I1": Feature(buckets=(1.0, 2.5, 7.0)),
        "I2": Feature(buckets=4),
        "I3": Feature(buckets="log_square"),
    }


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("C1=10", "FEATURE.SETTING=value"),
        ("C1.min_cuont=10", "FEATURE.SETTING=value"),
        ("C1.min_count=0", "greater than or equal to 1"),
        ("C1.buckets=1", "two or more"),
        ("C1.buckets=3:2", "ascending"),
        ("C1.pooling=attention", "needs a target"),
        ("C1.pooling=concat", "needs a length"),
        ("C1.shared_with=item,C1.min_count=3", "are those of item"),
        ("C1.shared_with=item,C1.width=3", "are those of item"),
        ("*.shared_with=item", "one by one"),
        ({"C1": {"what": 1}}, "Extra inputs"),
    ],
)
def test_what_means_nothing_is_refused(said: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DataConfig(features=said)


def test_the_key_is_blind_to_vectors_alone() -> None:
    plain = DataConfig().key()
    for same in (
        "C1.width=8",
        "C1.pooling=concat,C1.length=3",
        "C1.pooling=attention,C1.target=item",
        "*.pretrained=a.npy",
        "*.width=auto",
    ):
        assert DataConfig(features=same).key() == plain
    others = ["C1.min_count=2", "*.min_count=2", "C1.hash_size=9", "C1.shared_with=item", "C1.buckets=3", "C1.scale=log", "C1.buckets=1:2"]
    keys = [repr(DataConfig(features=said).key()) for said in others]
    assert len({repr(plain), *keys}) == len(others) + 1


def test_the_automatic_width() -> None:
    assert [Feature(width="auto").width_of(size) for size in (1, 16, 10_000)] == [6, 12, 60]
    assert Feature(width=5).width_of(100) == 5 and Feature().width_of(100) is None


def test_a_feature_is_written_as_it_was_said_and_read_again() -> None:
    """Defaults that were written out would count as said, and be refused of features for which they mean nothing."""
    config = DataConfig.model_validate({"features": {"*": {"min_count": 2}, "hour": {"width": 4}}})
    dumped = config.model_dump(mode="json")
    assert dumped["features"] == {"*": {"min_count": 2}, "hour": {"width": 4}}
    assert DataConfig.model_validate(dumped) == config


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"buckets": []}, "one or more"),
        ({"buckets": [2, 1]}, "ascending"),
        ({"pooling": "mean", "target": "item"}, "where pooling is attention"),
        ({"pooling": "attention"}, "needs a target"),
    ],
)
def test_settings_of_a_feature_that_mean_nothing(said: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Feature(**said)
