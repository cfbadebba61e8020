"""Testing both ends of what the dependencies may be. No environment is made."""

from __future__ import annotations

from pathlib import Path

from tools.ranges import direct

CPU = """\
numpy==1.26.0
    # via
    #   turret (pyproject.toml)
    #   scipy
sympy==1.14.0
    # via torch
torch==2.13.0+cpu
    # via turret (pyproject.toml)
"""


def test_the_summary_names_what_the_project_asks_for_itself(tmp_path: Path) -> None:
    (tmp_path / "resolved.txt").write_text(CPU)
    assert direct(tmp_path / "resolved.txt") == "numpy==1.26.0, torch==2.13.0+cpu"
