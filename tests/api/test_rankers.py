"""A ranker, from its log to recommendations."""

from __future__ import annotations

from pathlib import Path

import pytest

from turret import api
from turret.core.errors import UnsupportedError


def write_log(folder: Path, surroundings: bool) -> Path:
    """Twelve users and ten items, each shown or not; even users click on even items, odd ones on odd items."""
    folder.mkdir()
    shown = [(user, item) for user in range(12) for item in range(10) if (user * 7 + item) % 3]
    lines = ["user:token\titem:token\tlabel:float" + "\tplace:token" * surroundings]
    lines += [f"u{user}\ti{item}\t{(user + item + 1) % 2}" + f"\tp{item % 4}" * surroundings for user, item in shown]
    (folder / f"{folder.name}.inter").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_a_ranker_recommends_where_user_and_item_tell_all(tmp_path: Path) -> None:
    log = write_log(tmp_path / "shown", surroundings=False)
    run = api.train("deepfm", log, epochs=60, batch_size=32, mlp_layers=(16,), learning_rate=0.01, early_stop_patience=0, seed=1)
    assert {"test.auc", "test.logloss"} <= set(run.result)
    known = {item.item: item.score for item in api.recommend(run, user="u3", k=10, include_seen=True)}
    assert len(known) == 10
    odd, even = ([score for item, score in known.items() if int(item[1:]) % 2 == rest] for rest in (1, 0))
    assert sum(odd) / len(odd) > sum(even) / len(even)


def test_a_ranker_of_surroundings_says_why_it_does_not(tmp_path: Path) -> None:
    run = api.train("deepfm", write_log(tmp_path / "placed", surroundings=True), epochs=1, mlp_layers=(4,))
    with pytest.raises(UnsupportedError, match=r"\(place\)"):
        api.recommend(run, user="u3")
