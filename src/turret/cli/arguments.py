"""The grammar of the command line.

    turret VERB WORD WORD --name value --list a,b,c --list a b c --name=value --flag --no-flag -k 10

Dashes and underscores in names are the same. Words without a name fill the verb's positional options in order. A list takes all words up to
the next name, or the one word that has commas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from turret.api.options import Option, Route, Setting, UnknownOptionError, nearest
from turret.core.errors import InputError

NUMBER = re.compile(r"[-+]?(\d|\.\d)")
SHORT = {"m": "model", "d": "dataset", "c": "config", "k": "k"}


def parse(words: Sequence[str], options: Mapping[str, Option], positional: Sequence[str] = ()) -> dict[Route, Setting]:
    """What the words of a command line set.

    Args:
        words: after the verb.
        options: by flat name, all that the verb knows.
        positional: names of the options that words without a name fill, in order.

    Raises:
        InputError: an unknown name (with the nearest), a name without a value, a word too many.
    """
    found: dict[Route, Setting] = {}
    left = list(words)
    places = list(positional)
    while left:
        word = left.pop(0)
        if is_name(word):
            option, value, label = _named(word, left, options)
        else:
            places = [place for place in places if options[place].route not in found]
            if not places:
                raise InputError(f"there is no place for {word!r} here", hint=_expected(positional))
            option, value = options[places.pop(0)], [word]
            label = option.name.upper()
        found[option.route] = Setting(option.read(value), label)
    return found


def is_name(word: str) -> bool:
    """Whether a word is the name of an option, not a value (a negative number is a value)."""
    return word.startswith("-") and word != "-" and not NUMBER.match(word)


def value_of(name: str, words: Sequence[str]) -> str | None:
    """The value of one option, looked for before the other options can be known."""
    for position, word in enumerate(words):
        bare, _, joined = word.partition("=")
        if is_name(word) and (canonical(bare) == name):
            following = words[position + 1 : position + 2]
            return joined or (following[0] if following else None)
    return None


def canonical(word: str) -> str:
    """`--learning-rate`, `--learning_rate` -> `learning_rate`; `-m` -> `model`."""
    bare = word.lstrip("-").replace("-", "_")
    return SHORT.get(bare, bare)


def _named(word: str, left: list[str], options: Mapping[str, Option]) -> tuple[Option, list[str], str]:
    label, joined, value = word.partition("=")
    name = canonical(label)
    if name not in options and name.startswith("no_") and name[3:] in options and options[name[3:]].flag and not joined:
        return options[name[3:]], ["false"], label
    if name not in options:
        near = nearest(name, options).replace("mean ", "mean --")
        raise UnknownOptionError(name, f"there is no option {label}", hint=near or "--help lists the options")
    option = options[name]
    if joined:
        return option, [value], label
    taken = _take(option, left)
    if not taken and not option.flag:
        raise InputError(f"{label} needs a value: {option.allowed}")
    return option, taken, label


def _take(option: Option, left: list[str]) -> list[str]:
    """Takes the words of an option's value from the front of `left`."""
    if option.flag:
        return [left.pop(0)] if left and left[0].lower() in ("true", "false") else []
    taken = [left.pop(0)] if left and not is_name(left[0]) else []
    if taken and option.element is not None and "," not in taken[0]:
        numeric = option.element in (int, float)
        while left and not is_name(left[0]) and (not numeric or NUMBER.match(left[0])):
            taken.append(left.pop(0))
    return taken


def _expected(positional: Sequence[str]) -> str:
    return f"expected: {' '.join(name.upper() for name in positional)}" if positional else "expected: options alone"
