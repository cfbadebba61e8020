"""A few faults of each family, made by the same harness as `python -m faults`, which makes hundreds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from faults.kinds import KINDS
from faults.kinds.kind import Kind
from faults.subjects import SUBJECTS
from faults.verdict import Case, Verdict
from faults.workshop import Place, Workshop

from faults import campaign

SEED = 1
CHOSEN = [
    Case("kill", "bpr-midx-rounds", 1),
    Case("kill", "deepfm", 3),
    Case("kill-thrice", "irgan", 1),
    Case("term", "wrmf", 1),
    Case("interrupt", "tiny", 1),
    Case("intruder", "tiny", 1),
    Case("full-disk", "tiny", 1),
    Case("tick", "tiny", 130),
    Case("power-cut", "tiny", 60),
    Case("damage", "wrmf", 4),  # one bit of the latest checkpoint
    Case("damage", "wrmf", 58),  # one bit of an array of the dataset
]


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Case, Verdict]:
    """What came of all of them, two at a time."""
    workshop = Workshop(tmp_path_factory.mktemp("faults"), SEED)
    return {found.case: found for found in campaign.run(workshop, CHOSEN, 2, lambda found: None)}


@pytest.mark.slow
@pytest.mark.xdist_group("faults")  # which are made once, for all of these
@pytest.mark.parametrize("case", CHOSEN, ids=str)
def test_nothing_is_lost(case: Case, verdicts: Mapping[Case, Verdict]) -> None:
    found = verdicts[case]
    if found.fate == "skipped":
        pytest.skip(found.reason)
    assert found.fate == "survived", f"{found.reason}\n{found.where}\npython -m faults --seed {SEED} --only {case}"


def test_a_campaign_spreads_over_subjects_and_follows_from_its_arguments(tmp_path: Path) -> None:
    counted = ("tick", "power-cut", "index-power-cut")  # what they are is only known by a training
    kinds = [name for name in KINDS if name not in counted]
    made = campaign.cases(Workshop(tmp_path, 1), 50, kinds, list(SUBJECTS))
    assert made == campaign.cases(Workshop(tmp_path, 1), 50, kinds, list(SUBJECTS))
    assert len(set(made)) == len(made)
    killed = [case.subject for case in made if case.kind == "kill"]
    assert len(killed) == 50
    assert set(killed) == set(SUBJECTS) - {"tiny"}
    assert {case.kind for case in made} == set(kinds)


def test_a_finding_is_not_hidden_by_a_fault_of_the_harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(place: Place) -> str:
        raise RuntimeError("no such moment")

    monkeypatch.setitem(KINDS, "kill", Kind("kill", "", fails))
    found = campaign.verdict(Workshop(tmp_path, 1), Case("kill", "tiny", 1))
    assert found.fate == "lost"
    assert "no such moment" in found.reason
