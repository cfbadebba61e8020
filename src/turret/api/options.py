"""Every setting of the typed configs under one flat name, so that the command line, YAML files and Python say the same thing.

A config is a pydantic model that may nest others (`training` inside a model's config). Its leaves are the options. A setting that a person
gave remembers where it was given, so that what pydantic refuses can be reported at that place in the words of the person.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from turret.core.errors import InputError

Config = TypeVar("Config", bound=BaseModel)
Route = tuple[str, ...]
"""Where a setting stands among nested configs, such as ("training", "learning_rate")."""

NOTHING = ("none", "null")
TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
BOUNDS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}


@dataclass(frozen=True)
class Option:
    """One leaf of a typed config.

    Attributes:
        name: its flat name, with underscores.
        route: where it stands in a YAML file.
        title: the heading it is listed under.
        info: pydantic's view of it.
        base: the default of the nested config that it is in, whose values stand before the field's own default.
    """

    name: str
    route: Route
    title: str
    info: FieldInfo
    base: BaseModel | None = None

    @property
    def prose(self) -> str:
        """What it is for, in one paragraph."""
        return " ".join((self.info.description or "").split())

    @property
    def required(self) -> bool:
        """Whether it has no default."""
        return self.info.is_required()

    @property
    def default(self) -> str:
        """Its default as it would be written on the command line."""
        if self.base is not None:
            return written(getattr(self.base, self.route[-1]))
        return "" if self.required else written(self.info.get_default(call_default_factory=True, validated_data={}))

    @property
    def flag(self) -> bool:
        """Whether it is a yes or no."""
        return bool in alternatives(self.info.annotation)

    @property
    def element(self) -> Any | None:
        """The type of one element where the option is a list; else None."""
        for kind in alternatives(self.info.annotation):
            if get_origin(kind) in (list, tuple, set, frozenset):
                return get_args(kind)[0]
        return None

    @property
    def table(self) -> bool:
        """Whether it maps names to values."""
        return any(get_origin(kind) in (dict, Mapping) or get_origin(kind) is Mapping for kind in alternatives(self.info.annotation))

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that it may be, where these are few."""
        return tuple(str(word) for kind in alternatives(self.info.annotation) if get_origin(kind) is Literal for word in get_args(kind))

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        return spelled(self.info.annotation, self.info.metadata)

    def read(self, words: list[str]) -> Any:
        """The value that the words after the option on a command line stand for; pydantic turns the text of scalars into numbers."""
        if self.flag:
            return TRUTH.get(words[0].lower(), words[0]) if words else True
        if len(words) == 1 and words[0].lower() in NOTHING and type(None) in alternatives(self.info.annotation):
            return None
        parts = [part for word in words for part in word.split(",") if part]
        if self.table:
            return {name: value for name, _, value in (part.partition("=") for part in parts)}
        return parts if self.element is not None else " ".join(words)


@dataclass(frozen=True)
class Setting:
    """A value that a person gave.

    Attributes:
        value: as it was given.
        name: of the setting, as the person wrote it.
        path, line: the file it stands in; None on the command line and in Python.
    """

    value: Any
    name: str
    path: Path | None = None
    line: int | None = None


Settings = Mapping[Route, Setting]


class UnknownOptionError(InputError):
    """A name that is no option's. `option` is that name."""

    def __init__(self, option: str, message: str, **where: Any) -> None:
        super().__init__(message, **where)
        self.option = option


@dataclass(frozen=True)
class Section(Generic[Config]):
    """A typed config and the place that it has in a YAML file.

    Attributes:
        title: the heading of its options.
        config: the pydantic model.
        route: the key it stands under; () is the top level.
        base: what its settings are where nobody says otherwise; None: the config's own defaults.
    """

    title: str
    config: type[Config]
    route: Route = ()
    base: Config | None = None

    def options(self) -> Iterator[Option]:
        """Its leaves, nested configs included."""
        yield from leaves(self.config, self.route, self.title, self.base)

    def build(self, settings: Settings) -> Config:
        """The config with `settings` over its base; those of other sections are left alone.

        Raises:
            InputError: a value is refused; says which, where it was given and what is allowed.
        """
        values: dict[str, Any] = {} if self.base is None else self.base.model_dump(exclude_unset=True)
        for option in self.options():
            if option.route in settings:
                _refuse_no_text(settings[option.route])
                # What a model sets for its nested config stays, where the person set only some of its fields.
                base = {} if option.base is None else option.base.model_dump(exclude_unset=True)
                *parents, name = option.route[len(self.route) :]
                place = values
                for depth, key in enumerate(parents, start=1):
                    place = place.setdefault(key, base if depth == len(parents) else {})
                place[name] = settings[option.route].value
        try:
            return self.config.model_validate(values)
        except ValidationError as error:
            raise self._friendly(error, settings) from None

    def _friendly(self, error: ValidationError, settings: Settings) -> InputError:
        first = error.errors(include_url=False)[0]
        place = (*self.route, *(str(part) for part in first["loc"]))
        option = next((option for option in self.options() if option.route == place[: len(option.route)]), None)
        if option is None:
            inside = (option.route for option in self.options() if option.route[: len(place)] == place)
            everything = [settings[route] for route in inside if route in settings]
            words = set(re.findall(r"\w+", first["msg"]))
            given = [setting.name for setting in everything if str(setting.value) in words] or [setting.name for setting in everything]
            return InputError(f"{', '.join(given) or self.title}: {cleaned(first['msg'])}")
        if option.route not in settings:
            return InputError(f"{option.name} must be given: {option.allowed}")
        setting = settings[option.route]
        hint, where = None, ".".join(place[len(option.route) :]) if option.table else ""
        if first["type"] == "extra_forbidden":
            message = f"there is no setting {where}"
            hint = nearest(place[-1], _fields_in(option.info.annotation)) or None
        elif first["type"] == "value_error":
            message = f"{where}: {cleaned(first['msg'])}" if where else cleaned(first["msg"])
        elif where:
            message = f"{where}: {cleaned(first['msg'])}, not {shown(first['input'])!r}"
        elif first["type"] in ("too_short", "too_long"):
            message = f"must be {option.allowed}; {cleaned(first['msg'])}"
        else:
            message = f"must be {option.allowed}, not {shown(first['input'])!r}"
            hint = nearest(str(first["input"]), option.choices) or None
        return InputError(f"{setting.name}: {message}", path=setting.path, line=setting.line, hint=hint)


def leaves(config: type[BaseModel], route: Route, title: str, base: BaseModel | None = None) -> Iterator[Option]:
    """The options of a config, those of nested configs under their own title. `base` is the default of the whole config."""
    for field, info in config.model_fields.items():
        name = info.alias or field
        nested = section_in(info)
        if nested is None:
            yield Option(name, (*route, name), title, info, base)
        else:
            default = getattr(base, field) if base is not None else info.get_default(call_default_factory=True, validated_data={})
            yield from leaves(
                nested, (*route, name), f"{title}, {name.replace('_', ' ')}", default if isinstance(default, BaseModel) else None
            )


def section_in(info: FieldInfo) -> type[BaseModel] | None:
    """The config that a field nests, if it does."""
    return next((kind for kind in alternatives(info.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def flatten(sections: Iterable[Section[Any]]) -> dict[str, Option]:
    """All options by flat name. A name that two sections have is an error of the program, not of its user."""
    found: dict[str, Option] = {}
    for section in sections:
        for option in section.options():
            if option.name in found:
                raise ValueError(f"two options are named {option.name}: {found[option.name].route} and {option.route}")
            found[option.name] = option
    return found


def named(options: Mapping[str, Option], values: Mapping[str, Any]) -> dict[Route, Setting]:
    """Keywords of Python as settings.

    Raises:
        UnknownOptionError: a keyword that is no option's name.
    """
    for name in values:
        if name not in options:
            inside = [option.name for option in options.values() if name in option.route[:-1]]
            hint = (
                f"It is a group of options, each given by its own name: {', '.join(inside[:3])}, ..." if inside else nearest(name, options)
            )
            raise UnknownOptionError(name, f"there is no option {name}", hint=hint)
    return {options[name].route: Setting(value, name) for name, value in values.items()}


def _refuse_no_text(setting: Setting) -> None:
    """Refuses bytes that are not UTF-8, which the system hands over on the command line as halves of characters: files cannot hold them."""
    said = written(setting.value)
    try:
        said.encode()
    except UnicodeEncodeError:
        text = said.encode("utf-8", "backslashreplace").decode()
        raise InputError(f"{setting.name}: '{shown(text)}' is not UTF-8", path=setting.path, line=setting.line) from None


def _fields_in(annotation: Any) -> tuple[str, ...]:
    """The fields of the configs that a mapping, or a list, holds."""
    configs = [kind for kind in get_args(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    return tuple(name for kind in configs for name in kind.model_fields)


def nearest(name: str, names: Iterable[str]) -> str:
    """`did you mean NAME?`, or nothing where no name is near."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; of another type, itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def spelled(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """A type and its bounds in words: `a number above 0 or none`."""
    bounds = " and ".join(f"{word} {getattr(rule, key):g}" for rule in metadata for key, word in BOUNDS.items() if hasattr(rule, key))
    kinds = [kind for kind in alternatives(annotation) if kind is not type(None)]
    words = " or ".join(dict.fromkeys(_spelled_one(kind) for kind in kinds))
    text = f"{words} {bounds}".strip()
    return f"{text}, or none" if type(None) in alternatives(annotation) else text


def _spelled_one(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ("one of " if len(arguments) > 1 else "") + ", ".join(str(argument) for argument in arguments)
    if origin is tuple and Ellipsis not in arguments:
        return f"{len(arguments)} values ({', '.join(_spelled_one(argument) for argument in arguments)})"
    if origin in (list, tuple, set, frozenset):
        return f"a list ({_spelled_one(arguments[0])} each)"
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return "name=value pairs"
    if hasattr(kind, "__metadata__"):
        return spelled(arguments[0], kind.__metadata__)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}
    return words[kind] if kind in words else str(getattr(kind, "__name__", kind))


def written(value: Any) -> str:
    """A value as it is written on the command line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ",".join(f"{key}={written(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(written(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def shown(value: Any) -> str:
    """A value as it may stand in a message."""
    text = written(value)
    return text if len(text) <= 80 else text[:77] + "..."


def cleaned(message: str) -> str:
    """Pydantic's message without its prefix."""
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
