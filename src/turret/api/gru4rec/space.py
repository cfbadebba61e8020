"""A space of parameters to look for the best in: a file with one JSON object a line, as GRU4Rec's authors write it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from turret.api.gru4rec.parameters import Parameters
from turret.api.options import Setting, cleaned, nearest
from turret.core.errors import InputError
from turret.data import small_file

Number = Annotated[int, Strict()] | Annotated[float, Strict()]
Choice = Annotated[str, Strict()] | Annotated[bool, Strict()] | Number
FORM = '{"name": "layers", "dtype": "int", "values": [64, 512], "step": 32}'


class Dimension(BaseModel):
    """One parameter and the values that it may have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: Literal["int", "float", "categorical"]
    values: tuple[Choice, ...] = Field(min_length=1, max_length=1000)
    step: Number | None = Field(default=None, gt=0)
    log: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Dimension:
        if self.dtype == "categorical":
            if self.step is not None or self.log:
                raise ValueError("a categorical parameter has neither step nor log")
            return self
        numbers = [value for value in self.values if not isinstance(value, (bool, str))]
        if len(numbers) != 2 or len(self.values) != 2 or numbers[0] > numbers[1]:
            raise ValueError("values should be the lowest and the highest number")
        whole = [*numbers, self.step or 1]
        if self.dtype == "int" and any(number != int(number) for number in whole):
            raise ValueError("values and step should be whole numbers")
        if self.log and (numbers[0] <= 0 or self.step not in (None, 1 if self.dtype == "int" else None)):
            raise ValueError("a parameter on a log scale is above 0 and has no step")
        return self

    @property
    def told(self) -> str:
        """The line that the authors' code tells it by."""
        text = f"PARAMETER {self.name} \t type={self.dtype}"
        if self.dtype == "categorical":
            return f"{text} \t options: [{','.join(str(value) for value in self.values)}]"
        step = self.step if self.step is not None else 1 if self.dtype == "int" else "N/A"
        return f"{text} \t range=[{self.values[0]}..{self.values[1]}] (step={step}) \t {'LOG' if self.log else 'UNIFORM'} scale"

    def suggested(self, trial: Any) -> Any:
        """The value that a trial of Optuna's has."""
        if self.dtype == "categorical":
            return trial.suggest_categorical(self.name, list(self.values))
        low, high = self.values[0], self.values[-1]
        if self.dtype == "int":
            return trial.suggest_int(self.name, int(low), int(high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(self.name, float(low), float(high), step=self.step, log=self.log)


def read(path: Path, fixed: Parameters) -> list[Dimension]:
    """The dimensions of a space.

    Args:
        path: the file.
        fixed: parameters that are not looked for.

    Raises:
        InputError: a line is no dimension, or its values are none that the parameter can have; says which.
    """
    found: dict[str, Dimension] = {}
    for number, line in enumerate(small_file.read(path).split("\n"), start=1):
        if line.strip():
            dimension = _dimension(line, path, number)
            if dimension.name in found or dimension.name in fixed.given:
                where = "twice" if dimension.name in found else "here and among the fixed parameters"
                raise InputError(f"{dimension.name} is {where}", path=path, line=number)
            _allowed(dimension, path, number)
            found[dimension.name] = dimension
    if not found:
        raise InputError("no parameter is to be looked for", path=path, hint=f"each line should look like {FORM}")
    return list(found.values())


def _dimension(line: str, path: Path, number: int) -> Dimension:
    try:
        record = json.loads(line, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise InputError("values are nested too deeply", path=path, line=number, hint=f"each line should look like {FORM}") from None
    except ValueError as error:
        raise InputError(f"not JSON: {error}", path=path, line=number, hint=f"each line should look like {FORM}") from None
    if not isinstance(record, Mapping):
        raise InputError("not a JSON object", path=path, line=number, hint=f"each line should look like {FORM}")
    try:
        return Dimension.model_validate(record)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        if first["type"] == "extra_forbidden":
            message, hint = f"{key} is not known here", nearest(key, Dimension.model_fields)
        else:
            message, hint = f"{key}: {cleaned(first['msg'])}" if key else cleaned(first["msg"]), f"a line should look like {FORM}"
        raise InputError(message, path=path, line=number, hint=hint or None) from None


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def _finite(word: str) -> float:
    if not math.isfinite(value := float(word)):
        raise ValueError(f"{word} is too large a number")
    return value


def _allowed(dimension: Dimension, path: Path, number: int) -> None:
    """Refuses values that the model's config refuses."""
    for value in dimension.values:
        try:
            Parameters({dimension.name: Setting(value, dimension.name, path, number)}).config()
        except InputError as error:
            # Without a place, it is about several parameters together, and the others are not known yet.
            if error.line is not None:
                raise
