"""Parameters as GRU4Rec's authors write them: read as values, never run, and told in their format."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turret.api.gru4rec.parameters import Parameters, of_file, of_string
from turret.api.job import compose, gather
from turret.api.options import Setting, UnknownOptionError
from turret.core.errors import InputError

EXAMPLES = Path(__file__).parents[3] / "examples"

PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "layers": st.lists(st.integers(1, 999), min_size=1, max_size=3),
        "loss": st.sampled_from(["cross-entropy", "bpr-max"]),
        "n_epochs": st.integers(0, 99),
        "batch_size": st.integers(1, 999),
        "n_sample": st.integers(0, 9999),
        "learning_rate": st.floats(1e-4, 1),
        "momentum": st.floats(0, 0.99),
        "dropout_p_embed": st.floats(0, 0.99),
        "dropout_p_hidden": st.floats(0, 0.99),
        "sample_alpha": st.floats(0, 1),
        "bpreg": st.floats(0, 3),
        "elu_param": st.floats(0, 2),
        "logq": st.floats(0, 1),
        "constrained_embedding": st.just(False),
        "embedding": st.just(0),
    },
)


def text(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, list) else str(value)


def flat(config: Any) -> dict[str, Any]:
    training = config.training.model_dump()
    return {**config.model_dump(exclude={"training"}), "n_epochs": training.pop("epochs"), **training, "layers": list(config.layers)}


@given(PARAMETERS)
def test_a_string_a_file_and_the_config_say_the_same(values: dict[str, Any]) -> None:
    config = of_string(",".join(f"{name}={text(value)}" for name, value in values.items())).config()
    found, default = flat(config), flat(Parameters().config())
    assert found == {**default, **values}


@given(PARAMETERS)
def test_the_authors_files_say_the_same(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("parameters") / "best.py"
    path.write_text(f"from collections import OrderedDict\ngru4rec_params = OrderedDict({list(values.items())!r})\n")
    read = of_file(path)
    assert {name: setting.value for name, setting in read.given.items()} == values
    assert list(read.given) == list(values)
    assert flat(read.config()) == {**flat(Parameters().config()), **values}


@given(st.text())
def test_any_string_is_read_or_refused(string: str) -> None:
    with contextlib.suppress(InputError):
        of_string(string).config()


@pytest.mark.parametrize(
    "form",
    [
        "import collections\ngru4rec_params = collections.OrderedDict([('layers', [64]), ('logq', 1.0)])",
        "gru4rec_params = dict(layers=[64], logq=1.0)",
        "gru4rec_params = {'layers': [64], 'logq': 1.0}",
        '"""The best."""\nfrom collections import OrderedDict\ngru4rec_params = OrderedDict({"layers": (64,)}, logq=+1.0)',
        "gru4rec_params = OrderedDict((['layers', 64], ['logq', 1]))  # one width",
    ],
)
def test_every_way_to_write_a_dict_is_read(tmp_path: Path, form: str) -> None:
    (tmp_path / "a.py").write_text(form)
    config = of_file(tmp_path / "a.py").config()
    assert (config.layers, config.logq) == ((64,), 1.0)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("import os\ngru4rec_params = OrderedDict([])", 1),
        ("from os import *\ngru4rec_params = OrderedDict([])", 1),
        ("from collections import OrderedDict as x, deque\ngru4rec_params = x([])", 1),
        ("gru4rec_params = OrderedDict([])\nTOUCH", 2),
        ("gru4rec_params = OrderedDict([\n('layers', [100]),\n('loss', TOUCH)\n])", 3),
        ("gru4rec_params = OrderedDict([\n(TOUCH, 1)\n])", 2),
        ("gru4rec_params = OrderedDict(TOUCH)", 1),
        ("gru4rec_params = OrderedDict([], TOUCH)", 1),
        ("gru4rec_params = OrderedDict(**TOUCH)", 1),
        ("gru4rec_params = {**TOUCH}", 1),
        ("gru4rec_params = TOUCH", 1),
        ("gru4rec_params = {'layers': [TOUCH for _ in '1']}", 1),
        ("gru4rec_params = {'loss': f'{TOUCH}'}", 1),
        ("gru4rec_params = {'logq': 1 * 2}", 1),
        ("gru4rec_params = {'layers': ().__class__}", 1),
        ("gru4rec_params: dict = {}", 1),
        ("gru4rec_params = other = {}", 1),
        ("gru4rec_params = {}\ngru4rec_params = {}", 2),
        ("class gru4rec_params(metaclass=TOUCH): pass", 1),
        ("@(lambda f: TOUCH)\ndef f(): pass\ngru4rec_params = {}", 2),
        ("if TOUCH: gru4rec_params = {}", 1),
        ("gru4rec_params = {}\n'''text''' + TOUCH", 2),
        ("gru4rec_params = OrderedDict([('layers', [100])\n", 1),
        ("gru4rec_params = ={}", 1),
    ],
)
def test_nothing_in_a_file_is_run(tmp_path: Path, body: str, line: int) -> None:
    touched = tmp_path / "touched"
    (tmp_path / "evil.py").write_text(body.replace("TOUCH", f"open({str(touched)!r}, 'w')"))
    with pytest.raises(InputError) as caught:
        of_file(tmp_path / "evil.py")
    assert (caught.value.path, caught.value.line) == (tmp_path / "evil.py", line)
    assert not touched.exists()


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "nothing is named gru4rec_params"),
        (b"params = {}", "no plain value"),
        (b"gru4rec_params = {'a': \xff}", "cannot be read"),
        (b"gru4rec_params = {}\x00", "not Python"),
        (b"gru4rec_params = " + b"[" * 5000, "not Python"),
        (b"gru4rec_params = " + b"-" * 5000 + b"1", "not Python|no plain value"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes, part: str) -> None:
    (tmp_path / "a.py").write_bytes(content)
    with pytest.raises(InputError, match=part):
        of_file(tmp_path / "a.py")
    with pytest.raises(InputError, match="no such file"):
        of_file(tmp_path / "absent.py")


@pytest.mark.parametrize(
    ("string", "parts"),
    [
        ("layers", ["'layers' is no name=value"]),
        ("layers=", ["is no name=value"]),
        ("layers=100,,logq=1", ["is no name=value"]),
        ("=1", ["is no name=value"]),
        ("layers=100/x", ["layers", "'x'"]),
        ("layers=0", ["layers"]),
        ("loss=top1", ["loss", "cross-entropy"]),
        ("batch_size=0", ["batch_size", "at least 1"]),
        ("constrained_embedding=maybe", ["constrained_embedding", "true or false"]),
        ("embedding=layersize", ["constrained_embedding"]),
        ("learning_rate=__import__('os')", ["learning_rate", "a number above 0"]),
    ],
)
def test_values_that_are_refused(string: str, parts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        of_string(string).config()
    assert [part for part in parts if part not in str(caught.value)] == [], str(caught.value)


def test_an_unknown_name_tells_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownOptionError, match="did you mean n_epochs") as caught:
        of_string("n_epoch=3").config()
    assert caught.value.option == "n_epoch"
    (tmp_path / "a.py").write_text("gru4rec_params = {\n'layers': [3],\n'lerning_rate': 1}")
    with pytest.raises(UnknownOptionError, match=r"line 3: .*\n.*did you mean learning_rate"):
        of_file(tmp_path / "a.py").config()


def test_of_a_name_given_twice_the_last_value_counts() -> None:
    assert of_string("layers=3,logq=1,layers=4").config().layers == (4,)


def test_parameters_are_told_as_the_authors_code_tells_them() -> None:
    """Both blocks were printed by it."""
    given = of_string("n_sample=32,n_epochs=2,layers=32,batch_size=32,constrained_embedding=True,elu_param=1")
    assert given.told(given.config()) == [
        "SET   n_sample                TO   32     (type: <class 'int'>)",
        "SET   n_epochs                TO   2      (type: <class 'int'>)",
        "SET   layers                  TO   [32]   (type: <class 'list'>)",
        "SET   batch_size              TO   32     (type: <class 'int'>)",
        "SET   constrained_embedding   TO   True   (type: <class 'bool'>)",
        "SET   elu_param               TO   1.0    (type: <class 'float'>)",
    ]
    given = of_string("n_epochs=1,layers=32/32,n_sample=16,batch_size=500,embedding=layersize,constrained_embedding=False")
    assert given.told(given.config()) == [
        "SET   n_epochs                TO   1           (type: <class 'int'>)",
        "SET   layers                  TO   [32, 32]    (type: <class 'list'>)",
        "SET   n_sample                TO   16          (type: <class 'int'>)",
        "SET   batch_size              TO   500         (type: <class 'int'>)",
        "SET   embedding               TO   layersize   (type: <class 'str'>)",
        "SET   constrained_embedding   TO   False       (type: <class 'bool'>)",
        "SET   embedding               TO   32          (type: <class 'int'>)",
    ]
    assert of_string("").told(of_string("").config()) == []


def test_yaml_is_that_of_train(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        "model: gru4rec\ndataset: x\nseed: 5\nlayers: [8]\ntraining:\n  epochs: 3\ndata:\n  split:\n    split_ratio: [0.5, 0.2, 0.3]\n"
    )
    read = of_file(path)
    assert {name: setting.value for name, setting in read.given.items()} == {"layers": [8], "n_epochs": 3}
    assert {route: setting.value for route, setting in read.running.items()} == {("seed",): 5}
    assert read.unused == ("dataset", "data.split.split_ratio")
    assert read.config().training.learner == "adagrad_momentum"
    path.write_text("layers: [8]\ntraining:\n  batch_size: none\n")
    with pytest.raises(InputError, match="line 3: batch_size: must be a whole number"):
        of_file(path).config()
    path.write_text("layer: [8]\n")
    with pytest.raises(UnknownOptionError, match=r"line 1: layer is not known here\n.*did you mean layers"):
        of_file(path)
    path.write_text("model: sasrec\n")
    with pytest.raises(InputError, match="settings of sasrec"):
        of_file(path)


PUBLISHED = """
rsc15         cross-entropy  100  32   0.1   0     0.1    0     0.75  -     -    1
yoochoose     cross-entropy  480  48   0     0.2   0.07   0     0.2   -     -    1
rees46        cross-entropy  512  240  0.45  0     0.065  0     0.5   -     -    1
coveo         bpr-max        512  144  0.35  0     0.05   0.4   0.2   1.85  1    0
retailrocket  bpr-max        224  80   0.5   0.05  0.05   0.4   0.4   1.95  0.5  0
diginetica    bpr-max        512  128  0.5   0.3   0.05   0.15  0.3   0.9   1    0
"""
"""The table of the authors' README; a dash where a loss does not use the parameter."""
NAMES = (
    "loss",
    "layers",
    "batch_size",
    "dropout_p_embed",
    "dropout_p_hidden",
    "learning_rate",
    "momentum",
    "sample_alpha",
    "bpreg",
    "elu_param",
    "logq",
)


@pytest.mark.parametrize("row", PUBLISHED.split("\n")[1:-1], ids=lambda row: row.split()[0])
def test_the_examples_have_the_published_values(row: str) -> None:
    name, *values = row.split()
    path = EXAMPLES / f"gru4rec-{name}.yaml"
    read = of_file(path)
    expected = of_string(",".join(f"{key}={value}" for key, value in zip(NAMES, values, strict=True) if value != "-"))
    assert (read.config(), read.unused) == (expected.config(), ())
    assert (read.config().n_sample, read.config().constrained_embedding, read.config().training.epochs) == (2048, True, 10)
    assert compose(gather("gru4rec", {("dataset",): Setting("any", "dataset")}, path)).config == read.config()
