"""GRU4Rec's settings as its authors write them: a string, or a Python file with an OrderedDict, which is read and never run.

Names are those of Turret's options, and `n_epochs` for `epochs`. A YAML file of `turret train gru4rec --config` does as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from turret.api import yaml_file
from turret.api.job import RUNNING, gather, model_section
from turret.api.options import Option, Section, Setting, Settings, UnknownOptionError, flatten, nearest
from turret.core.errors import InputError
from turret.data import small_file

MODEL = "gru4rec"
THEIRS = {"epochs": "n_epochs"}
"""The options that the authors name otherwise."""
DICT = "gru4rec_params"
FORM = f"the file should hold `{DICT} = OrderedDict([('name', value), ...])` and no other statement"


@dataclass(frozen=True)
class Parameters:
    """What was given, in order.

    Attributes:
        given: by the authors' names, as they were written.
        running: what a YAML file says of the run (seed, device).
        unused: keys of a YAML file that have no meaning here.
    """

    given: Mapping[str, Setting] = field(default_factory=dict)
    running: Settings = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def over(self, other: Parameters) -> Parameters:
        """These, and those of `other` that these lack."""
        return Parameters({**other.given, **self.given}, {**other.running, **self.running}, other.unused + self.unused)

    def config(self) -> Any:
        """The model's config.

        Raises:
            UnknownOptionError: a name is no option's, with the nearest.
            InputError: a value is refused; says where it was given.
        """
        options = _options()
        for name, setting in self.given.items():
            if name not in options:
                hint = nearest(name, options) or f"The parameters are: {', '.join(options)}."
                raise UnknownOptionError(name, f"there is no parameter {name!r}", path=setting.path, line=setting.line, hint=hint)
        return _section().build({options[name].route: _valued(options[name], setting) for name, setting in self.given.items()})

    def told(self, config: Any) -> list[str]:
        """The lines that the authors' code tells parameters by, a name, its value and the value's type each."""
        width = max((len(name) for name in self.given), default=0) + 3
        room = max((len(str(setting.value)) for setting in self.given.values()), default=0) + 3
        values = {name: _found(config, _options()[name]) for name in self.given}
        lines = [_line(name, value, width, room) for name, value in values.items()]
        if values.get("embedding") == "layersize":
            lines.append(_line("embedding", config.layers[0], width, room))
        return lines


def of_string(text: str) -> Parameters:
    """`name=value,name=value`; a layer of several widths is written 200/200. Of a name that is given twice the last value counts.

    Raises:
        InputError: a part has no `=`.
    """
    given: dict[str, Setting] = {}
    for part in text.split(",") if text.strip() else []:
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value):
            hint = "the string should look like layers=100,loss=cross-entropy,n_epochs=10"
            raise InputError(f"{part!r} is no name=value", hint=hint)
        given[name] = Setting(value, name)
    return Parameters(given)


def of_values(values: Mapping[str, Any]) -> Parameters:
    """Values of Python."""
    return Parameters({name: Setting(value, name) for name, value in values.items()})


def of_file(path: Path) -> Parameters:
    """What a file says: a `.py` file as the authors write it, or YAML.

    Raises:
        InputError: it cannot be read, or holds anything else than parameters; says in which line.
    """
    return _of_python(path) if path.suffix.lower() == ".py" else _of_yaml(path)


def _of_yaml(path: Path) -> Parameters:
    node = yaml_file.read(path)
    named = yaml_file.scalar(node, "model")
    if named is not None and named.lower().replace("-", "").replace("_", "") != MODEL:
        raise InputError(f"these are settings of {named}", path=path, hint="`turret train --config` takes them")
    settings = {route: setting for route, setting in gather(MODEL, {}, path).items() if setting.path is not None}
    names = {option.route: name for name, option in _options().items()}
    running = {option.route for option in RUNNING.options() if option.name in ("seed", "device")}
    idle = [".".join(route) for route in settings if route not in names and route not in running and route != ("model",)]
    return Parameters(
        {names[route]: setting for route, setting in settings.items() if route in names},
        {route: setting for route, setting in settings.items() if route in running},
        tuple(idle),
    )


def _of_python(path: Path) -> Parameters:
    given: dict[str, Setting] = {}
    for name, value in _pairs(_assigned(_parsed(path), path), path):
        given[name] = Setting(_literal(value, path), name, path, value.lineno)
    return Parameters(given)


def _parsed(path: Path) -> ast.Module:
    content = small_file.read(path)
    try:
        return ast.parse(content, str(path))
    except SyntaxError as error:
        raise InputError(f"this is not Python: {error.msg}", path=path, line=error.lineno) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"this is not Python: {error}", path=path) from None


def _assigned(module: ast.Module, path: Path) -> ast.expr:
    """What `gru4rec_params` is set to: the only statement beside the import of OrderedDict."""
    found: ast.expr | None = None
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == DICT and found is None:
                found = value
            case ast.ImportFrom(module="collections", names=[ast.alias(name="OrderedDict", asname=None)]):
                pass
            case ast.Import(names=[ast.alias(name="collections", asname=None)]):
                pass
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case _:
                raise _refused(statement, path)
    if found is None:
        raise InputError(f"nothing is named {DICT}", path=path, hint=FORM)
    return found


def _pairs(node: ast.expr, path: Path) -> Iterator[tuple[str, ast.expr]]:
    """The names and values of an OrderedDict or a dict, however it is written."""
    match node:
        case ast.Call(func=ast.Name(id="OrderedDict" | "dict") | ast.Attribute(value=ast.Name(id="collections"), attr="OrderedDict")):
            if len(node.args) > 1:
                raise _refused(node, path)
            for argument in node.args:
                yield from _pairs(argument, path)
            for keyword in node.keywords:
                if keyword.arg is None:
                    raise _refused(keyword.value, path)
                yield keyword.arg, keyword.value
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                yield _name(key, node, path), value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            for element in elements:
                match element:
                    case ast.Tuple(elts=[key, value]) | ast.List(elts=[key, value]):
                        yield _name(key, element, path), value
                    case _:
                        raise _refused(element, path)
        case _:
            raise _refused(node, path)


def _name(node: ast.expr | None, around: ast.expr, path: Path) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise _refused(node or around, path)


def _literal(node: ast.expr, path: Path) -> Any:
    try:
        value = ast.literal_eval(node)
        str(value)  # refuses a number of thousands of digits
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise _refused(node, path) from None
    return value


def _refused(node: ast.stmt | ast.expr, path: Path) -> InputError:
    return InputError("the file is read, not run, and this is no plain value", path=path, line=node.lineno, hint=FORM)


def _section() -> Section[BaseModel]:
    return model_section(MODEL)


@cache
def _options() -> dict[str, Option]:
    """The options of the model and of its training by the names that the authors know them by."""
    return {THEIRS.get(name, name): option for name, option in flatten((_section(),)).items()}


def _valued(option: Option, setting: Setting) -> Setting:
    """A setting with its value as the config takes it: a list may be text with slashes, or one number."""
    value = setting.value
    if option.element is not None:
        value = value.split("/") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    return Setting(value, setting.name, setting.path, setting.line)


def _found(config: Any, option: Option) -> Any:
    value = config
    for key in option.route:
        value = getattr(value, key)
    return list(value) if isinstance(value, tuple) else value


def _line(name: str, value: Any, width: int, room: int) -> str:
    return f"SET   {name:<{width}}TO   {value!s:<{room}}(type: {type(value)})"
