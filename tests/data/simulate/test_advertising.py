"""Logs in Criteo's shape: their form, their truth, and the ceiling against every pair of rows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import rankdata

from turret.core.errors import InputError
from turret.data.simulate import Advertising, Note, Simulation, advertising, note_of, publish
from turret.data.simulate.advertising import LEAST, MOST, NUMBERS, SIZES, Ceiling, market, sizes
from turret.kernels.advertising import HOLES_OF, MISSING, _level, _name

SMALL = Advertising(rows=5_000, vocabulary=2_000)


def written(path: Path, settings: Advertising = SMALL, seed: int = 3) -> list[list[str]]:
    advertising.write(path, settings, seed)
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_rows_have_criteos_form(tmp_path: Path) -> None:
    rows = written(tmp_path / "log")
    assert len(rows) == SMALL.rows
    assert {len(row) for row in rows} == {40}
    assert {row[0] for row in rows} == {"0", "1"}
    for column in range(1, 1 + NUMBERS):
        numbers = [int(row[column]) for row in rows if row[column]]
        assert min(numbers) == LEAST[column - 1]
        assert max(numbers) <= MOST[column - 1]
    for column in range(1 + NUMBERS, 40):
        tokens = {row[column] for row in rows} - {""}
        assert all(len(token) == 8 and set(token) <= set("0123456789abcdef") for token in tokens)


def test_the_same_seed_gives_the_same_bytes_however_many_rows_a_block_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(seed: int) -> tuple[str, dict[str, float]]:
        best = advertising.write(tmp_path / "log", SMALL, seed)
        return hashlib.sha256((tmp_path / "log").read_bytes()).hexdigest(), best

    one, other = digest(3), digest(4)
    assert one[0] != other[0]
    monkeypatch.setattr(advertising, "ROWS_AT_ONCE", 777)
    assert digest(3) == one


def test_a_seed_goes_on_meaning_the_same_rows(tmp_path: Path) -> None:
    """When this changes on purpose, FORMAT must change too."""
    rows = written(tmp_path / "log", seed=1)
    assert " ".join(cell or "-" for cell in rows[0][:16]) == "0 1 3987 0 0 11 49862 4412 828 5 1 42 - 0 ceacec70 05ed0891"


def test_a_longer_log_begins_as_a_shorter_one(tmp_path: Path) -> None:
    short, long = (written(tmp_path / "log", SMALL.model_copy(update={"rows": rows})) for rows in (100, 300))
    assert long[:100] == short


def test_shares_are_as_stated(tmp_path: Path) -> None:
    settings = Advertising(rows=40_000, vocabulary=10_000, click_rate=0.1)
    rows = written(tmp_path / "log", settings)
    four_deviations = 4 * np.sqrt(0.25 / settings.rows)
    assert np.mean([row[0] == "1" for row in rows]) == pytest.approx(0.1, abs=four_deviations)
    missing = advertising.NUMBERS_MISSING + advertising.CATEGORIES_MISSING
    for column, share in enumerate(missing, start=1):
        assert np.mean([row[column] == "" for row in rows]) == pytest.approx(share, abs=four_deviations + 0.5 / HOLES_OF)
    distinct = [len({row[column] for row in rows} - {""}) for column in range(14, 40)]
    stated = sizes(10_000)
    assert all(found <= size for found, size in zip(distinct, stated, strict=True))
    assert [found for found, size in zip(distinct, stated, strict=True) if size < 100] == [size for size in stated if size < 100]


@pytest.mark.parametrize("vocabulary", [1_000, 1_000_000, sum(SIZES), 100_000_000])
def test_a_vocabulary_is_shared_out_as_criteos_is(vocabulary: int) -> None:
    shared = sizes(vocabulary)
    assert shared.sum() == pytest.approx(vocabulary, rel=0.01)
    assert (np.diff(shared[np.argsort(SIZES)]) >= 0).all()
    assert shared.min() >= 2
    if vocabulary == sum(SIZES):
        assert shared == pytest.approx(np.array(SIZES), rel=1e-3)


def test_frequencies_follow_zipfs_law() -> None:
    """Value r, from 0, has a share between 1/2 and 2 times that of 1 / (r + 1)."""
    world = market(Advertising(vocabulary=1_000_000), 0)
    column = NUMBERS + 2
    ranks = world.values(0, 200_000)[:, column]
    counts = np.bincount(ranks[ranks != MISSING], minlength=64)[:64]
    law = counts.sum() / (np.arange(64) + 1) / (1 / (np.arange(64) + 1)).sum()
    assert (counts / law).min() > 0.5
    assert (counts / law).max() < 2


def test_the_logit_is_the_stated_sum() -> None:
    """Pair by pair in Python's whole numbers and floats, from the hash on."""
    world = market(SMALL, 5)
    values = world.values(0, 40)
    mask = (1 << 64) - 1

    def hashed(key: int, counter: int) -> int:
        x = (key + 0x9E3779B97F4A7C15 * ((counter & mask) + 1)) & mask
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & mask
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB & mask
        return x ^ (x >> 31)

    def units(bits: int) -> list[float]:
        return [((bits >> (16 * place) & 0xFFFF) - 32767.5) * 12**0.5 / 65536 for place in range(4)]

    expected = []
    for row in values.tolist():
        own, vectors = 0.0, []
        for column, value in enumerate(row):
            if column >= NUMBERS:
                bits = hashed(int(world.meant[column]), value)
                own += units(bits)[0]
                if SIZES[column - NUMBERS] < 1000:
                    vectors.append(units(hashed(bits, 0)))
            elif value == MISSING:
                own += world.curves[column, 2]
            else:
                x = value - LEAST[column] + 1
                k = x.bit_length() - 1
                t = (k + x / 2**k - 1) / world.spans[column]
                own += world.curves[column, 0] * t + world.curves[column, 1] * 4 * t * (1 - t)
        paired = sum(float(np.dot(vectors[i], vectors[j])) for i in range(len(vectors)) for j in range(i))
        expected.append(world.intercept + own * world.scale[0] + paired * world.scale[1])
    np.testing.assert_allclose(world.logits(values), expected, rtol=1e-9, atol=1e-9)


def test_effects_and_pairs_have_their_stated_spread() -> None:
    world = market(Advertising(effects=0.7, pairs=0.4, vocabulary=10_000), 2)
    said = world.said(world.values(100_000, 50_000)) * world.scale
    assert said.std(axis=0) == pytest.approx([0.7, 0.4], rel=0.03)


def test_the_ceiling_is_the_auc_over_all_pairs() -> None:
    rng = np.random.default_rng(0)
    logits = np.concatenate([rng.normal(-1, 1.4, 1_500), np.full(20, 0.25)])
    probabilities = expit(logits)
    ceiling = Ceiling()
    for start in range(0, len(logits), 400):
        ceiling.add(logits[start : start + 400], probabilities[start : start + 400])
    weights = probabilities[:, None] * (1 - probabilities[None, :])
    wins = (logits[:, None] > logits[None, :]) + 0.5 * (logits[:, None] == logits[None, :])
    exact = float((weights * wins).sum() / weights.sum())
    assert abs(ceiling.auc - exact) <= ceiling.auc_error
    entropy = -(probabilities * np.log(probabilities) + (1 - probabilities) * np.log1p(-probabilities)).mean()
    assert ceiling.logloss == pytest.approx(entropy, rel=1e-12)


def test_the_truth_reaches_the_ceiling(tmp_path: Path) -> None:
    settings = Advertising(rows=100_000, vocabulary=10_000)
    best = advertising.write(tmp_path / "log", settings, 8)
    world = market(settings, 8)
    logits = world.logits(world.values(0, settings.rows))
    labels = np.loadtxt(tmp_path / "log", usecols=0, delimiter="\t")
    ranks, clicks = rankdata(logits), labels.sum()
    auc = (ranks[labels == 1].sum() - clicks * (clicks + 1) / 2) / (clicks * (len(labels) - clicks))
    assert auc == pytest.approx(best["auc"], abs=0.005)
    assert np.logaddexp(0, -logits * (2 * labels - 1)).mean() == pytest.approx(best["logloss"], abs=0.005)
    told = Ceiling()
    told.add(logits, expit(logits))
    assert told.auc_error < 1e-5


def test_values_are_never_named_alike() -> None:
    key = np.uint64(12345678901234567890 % 2**63)
    assert len({int(_name(key, value)) for value in range(200_000)}) == 200_000


def test_levels_are_exact_between_powers_of_two() -> None:
    counts = np.array([1, 2, 3, 4, 6, 7, 8, 1_000, 2**40])
    assert [_level(int(count)) for count in counts] == [0, 1, 1.5, 2, 2.5, 2.75, 3, 9 + 1000 / 512 - 1, 40]
    assert advertising._levels(counts).tolist() == [_level(int(count)) for count in counts]


def test_a_log_is_published_with_its_ceiling_and_known_again(tmp_path: Path) -> None:
    asked = Note(log="criteo", seed=1, settings=Advertising(rows=500))
    told: list[int] = []
    folder = publish(tmp_path / "log", asked, told.append)
    assert sorted(path.name for path in folder.iterdir()) == ["log.inter.tsv", "simulation.json"]
    assert sum(told) == 500
    note = note_of(folder)
    assert note is not None
    assert (note.log, note.settings) == ("criteo", asked.settings)
    assert note.ceiling is not None
    assert set(note.ceiling) == {"auc", "logloss"}
    assert publish(tmp_path / "log", asked) == folder
    with pytest.raises(InputError, match="something else"):
        publish(tmp_path / "log", asked.model_copy(update={"seed": 2}))


def test_settings_belong_to_their_log() -> None:
    with pytest.raises(ValueError, match="no settings of criteo"):
        Note(log="criteo", seed=0, settings=Simulation())
