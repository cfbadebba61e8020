"""Parameter spaces: told as the authors' code tells them, and every bad line named."""

from __future__ import annotations

from pathlib import Path

import pytest

from turret.api.gru4rec import space
from turret.api.gru4rec.parameters import Parameters, of_string
from turret.core.errors import InputError

EXAMPLES = Path(__file__).parents[3] / "examples"

THEIRS = """
	PARAMETER layers 	 type=int 	 range=[64..512] (step=32) 	 UNIFORM scale
	PARAMETER batch_size 	 type=int 	 range=[32..256] (step=16) 	 UNIFORM scale
	PARAMETER learning_rate 	 type=float 	 range=[0.01..0.25] (step=0.005) 	 UNIFORM scale
	PARAMETER dropout_p_embed 	 type=float 	 range=[0.0..0.5] (step=0.05) 	 UNIFORM scale
	PARAMETER dropout_p_hidden 	 type=float 	 range=[0.0..0.7] (step=0.05) 	 UNIFORM scale
	PARAMETER momentum 	 type=float 	 range=[0.0..0.9] (step=0.05) 	 UNIFORM scale
	PARAMETER sample_alpha 	 type=float 	 range=[0.0..1.0] (step=0.1) 	 UNIFORM scale
	PARAMETER bpreg 	 type=float 	 range=[0.0..2.0] (step=0.05) 	 UNIFORM scale
	PARAMETER elu_param 	 type=categorical 	 options: [0.5,1,0]
"""


@pytest.mark.parametrize(("loss", "n"), [("cross-entropy", 7), ("bpr-max", 9)])
def test_the_shipped_spaces_are_the_authors(loss: str, n: int) -> None:
    dimensions = space.read(EXAMPLES / f"gru4rec-space-{loss}.jsonl", Parameters())
    assert [f"\t{dimension.told}" for dimension in dimensions] == THEIRS.split("\n")[1 : n + 1]


def test_steps_and_scales_are_told(tmp_path: Path) -> None:
    path = tmp_path / "space"
    path.write_text(
        '{"name": "n_sample", "dtype": "int", "values": [1, 64]}\n\n'
        '{"name": "learning_rate", "dtype": "float", "values": [0.01, 1], "log": true}\n'
        '{"name": "layers", "dtype": "categorical", "values": ["8", "8/8", 16]}\n'
    )
    assert [dimension.told for dimension in space.read(path, Parameters())] == [
        "PARAMETER n_sample \t type=int \t range=[1..64] (step=1) \t UNIFORM scale",
        "PARAMETER learning_rate \t type=float \t range=[0.01..1] (step=N/A) \t LOG scale",
        "PARAMETER layers \t type=categorical \t options: [8,8/8,16]",
    ]


GOOD = '{"name": "logq", "dtype": "float", "values": [0, 1]}\n'


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("nonsense", ["not JSON"]),
        ('{"name": "layers"', ["not JSON"]),
        ("[1]", ["not a JSON object"]),
        ('{"dtype": "int", "values": [1, 2]}', ["name"]),
        ('{"name": "layers", "dtype": "integer", "values": [1, 2]}', ["dtype"]),
        ('{"name": "layers", "dtype": "int"}', ["values"]),
        ('{"name": "layers", "dtype": "int", "values": 3}', ["values"]),
        ('{"name": "layers", "dtype": "int", "values": [3]}', ["the lowest and the highest"]),
        ('{"name": "layers", "dtype": "int", "values": [1, 2, 3]}', ["the lowest and the highest"]),
        ('{"name": "layers", "dtype": "int", "values": [3, 2]}', ["the lowest and the highest"]),
        ('{"name": "layers", "dtype": "int", "values": ["1", "2"]}', ["the lowest and the highest"]),
        ('{"name": "layers", "dtype": "int", "values": [true, 2]}', ["the lowest and the highest"]),
        ('{"name": "layers", "dtype": "int", "values": [1, 2.5]}', ["whole numbers"]),
        ('{"name": "layers", "dtype": "int", "values": [1, 9], "step": 0.5}', ["whole numbers"]),
        ('{"name": "layers", "dtype": "int", "values": [1, 9], "step": 0}', ["step"]),
        ('{"name": "momentum", "dtype": "float", "values": [0, NaN]}', ["not JSON", "NaN"]),
        ('{"name": "momentum", "dtype": "float", "values": [0, 0.5], "log": true}', ["log scale"]),
        ('{"name": "learning_rate", "dtype": "float", "values": [0.1, 0.5], "log": true, "step": 0.1}', ["log scale"]),
        ('{"name": "loss", "dtype": "categorical", "values": []}', ["values"]),
        ('{"name": "layers", "dtype": "categorical", "values": [[100]]}', ["values"]),
        ('{"name": "loss", "dtype": "categorical", "values": ["bpr-max"], "step": 1}', ["neither step nor log"]),
        ('{"name": "loss", "dtype": "categorical", "values": ["bpr-max", "top1"]}', ["loss", "top1"]),
        ('{"name": "momentum", "dtype": "float", "values": [0, 1.5]}', ["momentum", "1.5"]),
        ('{"name": "layer", "dtype": "int", "values": [1, 2]}', ["did you mean layers?"]),
        ('{"name": "layers", "dtype": "int", "values": [1, 2], "steps": 1}', ["steps", "did you mean step?"]),
        (GOOD.strip(), ["logq is twice"]),
        ('{"name": "n_epochs", "dtype": "int", "values": [1, 2]}', ["among the fixed parameters"]),
    ],
)
def test_bad_lines_are_refused_with_their_line(tmp_path: Path, line: str, parts: list[str]) -> None:
    path = tmp_path / "space"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(InputError) as caught:
        space.read(path, of_string("n_epochs=1"))
    assert (caught.value.path, caught.value.line) == (path, 3)
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)


def test_files_that_are_no_spaces(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        space.read(tmp_path / "absent", Parameters())
    with pytest.raises(InputError, match="cannot be read"):
        space.read(tmp_path, Parameters())
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(InputError, match="no parameter is to be looked for"):
        space.read(tmp_path / "empty", Parameters())
