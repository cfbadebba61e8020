"""The atomic files: the same bytes for the same seed, all of them or none."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from turret.core.errors import InputError
from turret.data.simulate import Simulation, note_of, simulate, simulate_clicks
from turret.data.simulate.words import title
from turret.kernels.simulation import rows_as_text

SMALL = Simulation(users=60, items=80, interactions=900, tastes=6, communities=3)


def digests(folder: Path) -> dict[str, str]:
    return {path.name.removeprefix(folder.name): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two, three = (simulate(tmp_path / name, SMALL, seed) for name, seed in (("one", 5), ("two", 5), ("three", 6)))
    assert digests(one) == digests(two)
    assert digests(one)[".inter"] != digests(three)[".inter"]


def test_a_seed_goes_on_meaning_the_same_world(tmp_path: Path) -> None:
    """Published figures on simulated data hold only as long as the data does. When this changes on purpose, FORMAT must change too."""
    folder = simulate(tmp_path / "log", SMALL, seed=1)
    rows = [line.split("\t")[:3] for line in (folder / "log.inter").read_text().splitlines()[1:7]]
    assert [" ".join(row) for row in rows] == ["1 66 3", "1 54 3", "1 13 4", "1 14 5", "1 20 4", "1 49 3"]


def test_every_table_has_its_typed_header_and_whole_rows(tmp_path: Path) -> None:
    folder = simulate(tmp_path / "world", SMALL, seed=0)
    headers = {
        "inter": "user_id:token item_id:token rating:float timestamp:float",
        "user": "user_id:token age:float gender:token occupation:token",
        "item": "item_id:token title:token_seq release_year:token genres:token_seq",
        "kg": "head_id:token relation_id:token tail_id:token",
        "link": "item_id:token entity_id:token",
        "net": "source_id:token target_id:token",
    }
    for suffix, header in headers.items():
        first, *rows = (folder / f"world.{suffix}").read_text(encoding="utf-8").splitlines()
        assert first.split("\t") == header.split()
        assert rows
        assert all(len(row.split("\t")) == len(header.split()) and "" not in row.split("\t") for row in rows)
    assert (folder / "world.user").read_text().count("\n") == 61
    assert (folder / "world.item").read_text().count("\n") == 81


def test_clicks_are_of_the_same_world(tmp_path: Path) -> None:
    rated, clicked = simulate(tmp_path / "a", SMALL, 4), simulate_clicks(tmp_path / "b", SMALL, 4)
    for suffix in (".user", ".item", ".kg", ".link", ".net"):
        assert digests(rated)[suffix] == digests(clicked)[suffix]
    table = np.loadtxt(clicked / "b.inter", skiprows=1, dtype=np.int64)
    assert set(table[:, 2]) == {0, 1}
    assert (clicked / "b.inter").read_text().splitlines()[0].split("\t")[2] == "label:float"


def test_the_note_leads_back_to_the_truth(tmp_path: Path) -> None:
    folder = simulate(tmp_path / "world", SMALL, seed=9)
    note = note_of(folder)
    assert note is not None
    assert (note.log, note.seed, note.settings) == ("ratings", 9, SMALL)
    truth = note.truth()
    table = np.loadtxt(folder / "world.inter", skiprows=1, dtype=np.int64)
    assert np.array_equal(np.bincount(table[:, 0] - 1), truth.lengths)
    assert note_of(tmp_path) is None


def test_a_note_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "simulation.json").write_text(json.dumps({"format": 99, "log": "ratings", "seed": 0, "settings": {}}))
    with pytest.raises(InputError, match="not a simulation that this version knows"):
        note_of(tmp_path)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="something else"):
        simulate(tmp_path / "mine", SMALL)
    simulate(tmp_path / "world", SMALL, seed=1)
    with pytest.raises(InputError, match="something else"):
        simulate(tmp_path / "world", SMALL, seed=2)
    assert simulate(tmp_path / "world", SMALL, seed=1) == tmp_path / "world"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "world"]


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "world", SMALL, progress=fail)
    assert list(tmp_path.iterdir()) == []


def test_several_at_once_give_one(tmp_path: Path) -> None:
    results: list[Path] = []
    threads = [threading.Thread(target=lambda: results.append(simulate(tmp_path / "world", SMALL, 7))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [tmp_path / "world"] * 4
    assert [path.name for path in tmp_path.iterdir()] == ["world"]


def test_integers_are_written_as_decimals() -> None:
    table = np.array([[0, 7, 10], [99, 100, 2**62]])
    assert bytes(rows_as_text(table)) == f"0\t7\t10\n99\t100\t{2**62}\n".encode()


def test_titles_are_all_different() -> None:
    assert len({title(number) for number in range(20_000)}) == 20_000
