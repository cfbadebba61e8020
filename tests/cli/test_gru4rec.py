"""The authors' command lines of GRU4Rec, as words: options by both of their names, exit codes, and what stands where."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Command = Callable[..., Any]
QUICK = "layers=6,n_epochs=1,n_sample=8,batch_size=8"


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.tsv and test.tsv, sessions in which one item leads to the next."""
    folder = tmp_path_factory.mktemp("sessions")
    generator = np.random.default_rng(1)
    for name, n in (("train", 60), ("test", 20)):
        rows = ["SessionId\tItemId\tTime"]
        for session in range(n):
            start = int(generator.integers(9))
            rows += [f"{session}\ti{(start + step) % 9}\t{session * 10 + step}" for step in range(int(generator.integers(2, 6)))]
        (folder / f"{name}.tsv").write_text("\n".join(rows) + "\n")
    return folder


def test_training_saving_loading_and_measuring(turret: Command, sessions: Path) -> None:
    train, test = sessions / "train.tsv", sessions / "test.tsv"
    measured = ("-t", test, test, "-m", "1", "3", "-e", "median", "-pm", "mrr", "-lpm")
    trained = turret("gru4rec", "run", train, "-ps", QUICK, "-d", "cpu", "--seed", "3", "-s", "model", *measured)
    assert (trained.code, trained.err) == (0, "")
    loaded = turret("gru4rec", "run", "model", "-l", *measured, "-d", "cpu")
    assert (loaded.code, loaded.err) == (0, "")

    def figures(text: str) -> list[str]:
        return re.findall(r"^Recall@\d: 0\.\d{6} MRR@\d: 0\.\d{6}|^PRIMARY METRIC: 0\.\d+", text, flags=re.MULTILINE)

    assert len(figures(trained.out)) == 6
    assert figures(loaded.out) == figures(trained.out)
    assert "Starting evaluation (cut-off=[1, 3], using median mode for tiebreaking)\n" in loaded.out


def test_long_names_and_a_parameter_file(turret: Command, sessions: Path) -> None:
    Path("best.py").write_text("from collections import OrderedDict\ngru4rec_params = OrderedDict([('layers', [6]), ('n_epochs', 1)])\n")
    Path("best.yaml").write_text("layers: [6]\ntraining: {epochs: 1}\n")
    words = ("--test", sessions / "test.tsv", "--device", "cpu", "--eval_type", "conservative", "--session_key", "SessionId")
    python = turret("gru4rec", "run", sessions / "train.tsv", "--parameter_file", "best.py", *words)
    yaml = turret("gru4rec", "run", sessions / "train.tsv", "-pf", "best.yaml", *words)
    assert (python.code, yaml.code) == (0, 0), python.err + yaml.err
    assert f"Loaded parameters from file: {Path('best.py').resolve()}\n" in python.out
    assert python.out.splitlines()[-1] == yaml.out.splitlines()[-1]


def test_what_has_no_effect_is_said_beside_the_output(turret: Command, sessions: Path) -> None:
    shown = turret("gru4rec", "run", sessions / "train.tsv", "-ps", QUICK, "-ss", "1000", "-g", "gru4rec_pytorch", "-d", "cpu")
    assert shown.code == 0
    assert [line.split(":")[1] for line in shown.err.splitlines()] == [" -ss has no effect", " -g has no effect"]
    assert "no effect" not in shown.out


@pytest.mark.parametrize(
    ("words", "out", "err"),
    [
        ("run", "", ["PATH"]),
        ("run TRAIN", "ERROR. Exactly one of", ["-l loads one"]),
        ("run TRAIN -ps layers=3 -l", "ERROR. Exactly one of", ["-l loads one"]),
        ("run TRAIN -ps layer=3", "Unkown attribute: layer\n", ["did you mean layers?"]),
        ("run TRAIN -ps layers", "", ["'layers' is no name=value"]),
        ("run TRAIN -ps batch_size=x", "", ["batch_size", "a whole number"]),
        ("run TRAIN -pf absent.py", "", ["absent.py", "no such file"]),
        ("run TRAIN -pf EVIL", "", ["evil.py, line 1", "read, not run"]),
        ("run TRAIN -pf UNKNOWN", "Unkown attribute: layer\n", ["unknown.yaml, line 1", "did you mean layers?"]),
        ("run absent.tsv -ps layers=3", "", ["absent.tsv", "no such file"]),
        ("run TRAIN -ps layers=3 -sk S", 'ERROR. The column specified for session IDs "S" is not in the data file (', ["-sk", "line 1"]),
        ("run TRAIN -ps layers=3 -ik I", 'ERROR. The column specified for item IDs "I" is not in the data file (', ["-ik"]),
        ("run TRAIN -ps layers=3 -tk T", 'ERROR. The column specified for time "T" is not in the data file (', ["-tk"]),
        ("run PICKLE -ps layers=3", "", ["pickles are not read", "to_csv"]),
        ("run EMPTY -ps layers=3", "", ["empty.tsv", "the file is empty"]),
        ("run WORDS -ps layers=3", "", ["words.tsv, line 2, column Time", "'noon' is not a number"]),
        ("run TRAIN -ps layers=3 -t absent.tsv", "", ["absent.tsv", "no such file"]),
        ("run TRAIN -ps layers=3,n_epochs=0 -t OTHER", "Using existing item ID map\n2 of 2 events", ["other.tsv", "nothing to predict"]),
        ("run TRAIN -ps layers=3 -m 0", "", ["-m"]),
        ("run TRAIN -ps layers=3 -m five", "", ["-m", "'five'"]),
        ("run TRAIN -ps layers=3 -e tiebreaking", "", ["-e", "'tiebreaking'"]),
        ("run TRAIN -ps layers=3 -d tpu9", "", ["tpu9"]),
        ("run TRAIN -ps layers=3 -x", "", ["-x"]),
        ("run TRAIN -l", "", ["none of ours"]),
        ("run TRAIN more -ps layers=3", "", ["more"]),
        ("paropt TRAIN", "", ["TEST_PATH"]),
        ("paropt TRAIN TEST", "", ["-opf"]),
        ("paropt TRAIN TEST -opf absent", "", ["absent", "no such file"]),
        ("paropt TRAIN TEST -opf SPACE", "", ["space, line 2", "not JSON"]),
        ("rum TRAIN", "", ["'rum'", "did you mean run?"]),
        ("train TRAIN", "", ["'train'"]),
    ],
)
def test_bad_input_gets_one_clear_message(turret: Command, sessions: Path, tmp_path: Path, words: str, out: str, err: list[str]) -> None:
    header = "SessionId\tItemId\tTime\n"
    files = {
        "EVIL": ("evil.py", "gru4rec_params = open('touched', 'w')"),
        "UNKNOWN": ("unknown.yaml", "layer: [3]\n"),
        "PICKLE": ("log.pickle", "\x80"),
        "EMPTY": ("empty.tsv", ""),
        "WORDS": ("words.tsv", f"{header}1\ta\tnoon\n"),
        "OTHER": ("other.tsv", f"{header}1\tx\t1\n1\ty\t2\n"),
        "SPACE": ("space", '{"name": "layers", "dtype": "int", "values": [1, 2]}\n{"name"\n'),
    }
    for name, content in files.values():
        (tmp_path / name).write_text(content)
    places = {"TRAIN": sessions / "train.tsv", "TEST": sessions / "test.tsv", **{key: tmp_path / name for key, (name, _) in files.items()}}
    shown = turret("gru4rec", *(places.get(word, word) for word in words.split()))
    assert shown.code == 2
    assert shown.err.startswith("turret: ")
    assert [part for part in err if part not in shown.err] == [], shown.err
    assert out in shown.out
    assert not list(Path().iterdir())


def test_looking_for_parameters(turret: Command, sessions: Path) -> None:
    space = [
        {"name": "learning_rate", "dtype": "float", "values": [0.05, 0.1], "step": 0.05},
        {"name": "layers", "dtype": "int", "values": [4, 6]},
    ]
    Path("space").write_text("".join(json.dumps(each) + "\n" for each in space))
    words = (
        "-opf",
        "space",
        "-fp",
        "n_epochs=1,n_sample=8",
        "-nt",
        "3",
        "-m",
        "5",
        "-fm",
        "1",
        "5",
        "-pm",
        "mrr",
        "-d",
        "cpu",
        "--seed",
        "1",
    )
    shown = turret("gru4rec", "paropt", sessions / "train.tsv", sessions / "test.tsv", *words)
    assert shown.code == 0, shown.err
    lines = shown.out.splitlines()
    assert lines[:5] == [
        "-" * 80,
        "PARAMETER SPACE",
        "\tPARAMETER learning_rate \t type=float \t range=[0.05..0.1] (step=0.05) \t UNIFORM scale",
        "\tPARAMETER layers \t type=int \t range=[4..6] (step=1) \t UNIFORM scale",
        "-" * 80,
    ]
    assert sum(line.startswith("PRIMARY METRIC: ") for line in lines) == 3
    assert "Running final eval @[1, 5]:" in lines
    assert [line.split(":")[0] for line in lines[-2:]] == ["Recall@1", "Recall@5"]


@pytest.mark.parametrize("words", ["", "--help", "run --help", "run -h", "paropt --help"])
def test_every_command_has_help(turret: Command, words: str) -> None:
    shown = turret("gru4rec", *words.split())
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("Usage: turret gru4rec ")


def test_every_option_of_the_authors_is_there(turret: Command) -> None:
    run, paropt = turret("gru4rec", "run", "-h").out, turret("gru4rec", "paropt", "-h").out
    for option in ["-ps", "-pf", "-l", "-s", "-t", "-m", "-e", "-ss", "-g", "-d", "-ik", "-sk", "-tk", "-pm", "-lpm"]:
        assert re.search(rf"^  {option}[, ]", run, flags=re.MULTILINE), option
    for option in ["-g", "-fp", "-opf", "-m", "-nt", "-fm", "-pm", "-e", "-d", "-ik", "-sk", "-tk"]:
        assert re.search(rf"^  {option}[, ]", paropt, flags=re.MULTILINE), option


def test_help_does_not_load_torch() -> None:
    code = "import sys; from turret.cli.main import main; main(['gru4rec']); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.endswith("False\n")
