"""What can be set about data: where it lies, how it is cleaned, how it is split, what counts beside it.

The field names are unique over all sections, so a command line can offer them flat (`--split_mode`, `--min_user_count`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from turret.core.features import Pooling
from turret.data.schema import ROLES, TYPES, Role, Type

TableName = Literal["inter", "train", "fold_in", "valid", "test", "user", "item", "kg", "link", "net"]
SplitMode = Literal["auto", "user_entry", "entry", "user", "leave_one_out", "time", "count", "published"]


class Section(BaseModel):
    """A group of settings: frozen, and refusing names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Column(Section):
    """What is said about a column; in YAML and on the command line "role", "type" or "type:role" says the same."""

    type: Type | None = None
    """None: what the header says, else what the role needs, else token."""
    role: Role | None = None
    """None: what the column's name usually means, else feature."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        said: dict[str, str] = {}
        for word in value.split(":"):
            kind = "type" if word in TYPES else "role" if word in ROLES else None
            if kind is None or kind in said:
                raise ValueError(f"'{value}' is neither a role ({', '.join(ROLES)}) nor a type ({', '.join(TYPES)}) nor type:role")
            said[kind] = word
        return said


def _pairs(value: Any) -> Any:
    """Turns the command line's "a=x,b=y" into a mapping."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError(f"'{value}' should look like name=value,name=value")
    return {name.strip(): text.strip() for name, _, text in pairs}


def _numbers(value: Any) -> Any:
    """Turns the command line's "0.8,0.1,0.1" into a list."""
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


class Source(Section):
    """Where a log lies and how to read it."""

    format: Literal["auto", "atomic", "csv", "tsv", "parquet", "json"] = "auto"
    """Of all files; auto goes by their names. In atomic and tsv files a quote is a character like any other (csv with a tab as its
    delimiter reads quoted ones); json means JSON lines."""
    files: Annotated[dict[TableName, str], BeforeValidator(_pairs)] = {}
    """Which file is which table, where the names do not say it: table=file, or a pattern such as inter=log-*.parquet."""
    columns: Annotated[dict[str, Column], BeforeValidator(_pairs)] = {}
    """What the columns are: name=role, name=type or name=type:role. Columns of typed headers and of usual names need no mention."""
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """Between the columns of a text file; None: a comma in csv files, a tab in others."""
    header: bool = True
    """Whether text files begin with a line of column names; without one, `columns` names them all, in order."""
    seq_separator: str = Field(default=" ", min_length=1)
    """Between the values of a token_seq or float_seq."""


class Cleaning(Section):
    """Which rows of the log count. Steps are taken in the order of these fields, and each reports what it dropped."""

    min_time: float | None = None
    """Rows before this time are dropped."""
    max_time: float | None = None
    """Rows after this time are dropped."""
    min_rating: float | None = None
    """Rows with a lower rating are dropped."""
    label_threshold: float | None = None
    """Makes the label 1 where the rating is at least this, else 0."""
    min_label: float | None = None
    """Rows with a lower label are dropped: 1 keeps the clicks alone."""
    duplicates: Literal["keep", "first", "last", "sum"] = "keep"
    """Of several rows of the same user and item: keep all, the first or last in time, or the first with the weights added up (1 each, where
    the log has none)."""
    min_user_count: int = Field(default=0, ge=0)
    """Users with fewer rows are dropped; counted again, in turn with items, until nothing changes (the k-core)."""
    max_user_count: int | None = Field(default=None, ge=1)
    """Users with more rows are dropped, in the same rounds."""
    min_item_count: int = Field(default=0, ge=0)
    """Items with fewer rows are dropped, in the same rounds."""
    max_item_count: int | None = Field(default=None, ge=1)
    """Items with more rows are dropped, in the same rounds."""
    count_on: Literal["log", "train"] = "log"
    """Where rows are counted: in the whole log before it is split, as the literature does, or in the training part alone, so that later
    rows have no say."""


class Split(Section):
    """How the log is divided into train, valid and test."""

    split_mode: SplitMode = "auto"
    """user_entry: each user's rows by ratio; entry: all rows by ratio; user: users by ratio, of whose rows a part is known (fold-in);
    leave_one_out: each user's last rows; time: at points in time; count: a number of rows; published: as the files say; auto: published
    where files say it, else user_entry, or entry where the log has no users."""
    split_ratio: Annotated[tuple[float, float, float], BeforeValidator(_numbers)] = (0.8, 0.1, 0.1)
    """Shares of train, valid and test, for user_entry, entry, user, and for time without points."""
    split_order: Literal["random", "time"] | None = None
    """Whether later parts are drawn or are the latest rows; None: time for leave_one_out, random otherwise."""
    leave_n: int = Field(default=1, ge=1)
    """Rows of each user that leave_one_out puts into test, and as many into valid."""
    split_time: Annotated[tuple[float, ...] | None, BeforeValidator(_numbers)] = None
    """For time: the first moment of valid and the first of test; a single one is the first of test, and valid is empty."""
    split_count: Annotated[tuple[int, int] | None, BeforeValidator(_numbers)] = None
    """For count: how many rows valid and test get."""
    fold_in_ratio: float = Field(default=0.8, gt=0, lt=1)
    """For user: the share of a held-out user's rows that is known when the rest is to be predicted; also for published test sessions."""
    published_valid_ratio: float = Field(default=0.1, ge=0, lt=1)
    """For published files without a valid part: the share of each user's training rows that becomes one; 0 leaves it empty."""
    split_seed: int = 0
    """Of all that splitting draws."""

    @model_validator(mode="after")
    def _consistent(self) -> Split:
        if min(self.split_ratio) < 0 or abs(sum(self.split_ratio) - 1) > 1e-6 or self.split_ratio[0] <= 0:
            raise ValueError(f"split_ratio {self.split_ratio} should be three shares that add up to 1, the first above 0")
        if self.split_mode == "count" and self.split_count is None:
            raise ValueError("split_mode count needs split_count, the number of rows of valid and of test")
        if self.split_count is not None and min(self.split_count) < 0:
            raise ValueError("split_count should not be negative")
        if self.split_time is not None and (len(self.split_time) not in (1, 2) or list(self.split_time) != sorted(self.split_time)):
            raise ValueError("split_time should be one moment, or two in order")
        return self


def _names(value: Any) -> Any:
    """Turns the command line's "a,b" into a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class KnowledgeGraph(Section):
    """Which triples of a knowledge graph count."""

    min_entity_count: int = Field(default=0, ge=0)
    """Entities in fewer triples are dropped, items aside; counted again, in turn with relations, until nothing changes."""
    min_relation_count: int = Field(default=0, ge=0)
    """Relations of fewer triples are dropped, in the same rounds."""
    keep_relations: Annotated[tuple[str, ...] | None, BeforeValidator(_names)] = None
    """The relations that are kept; None: all."""
    inverse_relations: bool = False
    """Whether each triple is there in both directions, (tail, inverse of its relation, head) beside (head, relation, tail)."""


class SocialGraph(Section):
    """Which links between users count."""

    undirected_links: bool = False
    """Whether a link between users holds in both directions; otherwise it is what the file says, from source to target."""


def _bounds(value: Any) -> Any:
    """Turns the command line's "10" into a number, and "1:2:5" into boundaries."""
    if not isinstance(value, str) or value == "log_square":
        return value
    return value.split(":") if ":" in value else int(value) if value.isdecimal() else value


class Feature(Section):
    """What is said about a feature: how its values become ids or scaled numbers, and then how the ids become vectors."""

    min_count: int = Field(default=1, ge=1)
    """Values in fewer training rows than this count as unknown (id 0)."""
    hash_size: int | None = Field(default=None, ge=1)
    """Ids are a hash of the value, 1 to this, and there is no vocabulary: values that training never saw have an id too."""
    shared_with: str | None = None
    """A categorical feature whose ids and vectors this one has; of `user` and `item`, the ids themselves."""
    buckets: Annotated[int | tuple[float, ...] | Literal["log_square"] | None, BeforeValidator(_bounds)] = None
    """Makes a number a category: as many quantiles of the training values, or between these boundaries, or by the rule of the winners of
    Criteo's challenge, floor(ln(x)^2) above 2 and the whole number itself up to 2. On the command line, boundaries are 1:2:5."""
    scale: Literal["standard", "min_max", "log", "none"] = "standard"
    """Of a number: to mean 0 and deviation 1, to 0 and 1, as sign(x) ln(1 + |x|) and then to mean 0 and deviation 1, or as it is."""
    width: Annotated[int, Field(ge=1)] | Literal["auto"] | None = None
    """Of its vectors; auto: 6 times the fourth root of how many ids there are. None: as the model's."""
    pooling: Pooling = "mean"
    """How the vectors of several values become one."""
    target: str | None = None
    """For pooling attention: the categorical feature whose vector is the query."""
    length: int | None = Field(default=None, ge=1)
    """How many of several values count, the first ones; None: all."""
    pretrained: str | None = None
    """A .npy file, float [ids, width], that its vectors begin with."""

    @model_validator(mode="after")
    def _consistent(self) -> Feature:
        if isinstance(self.buckets, int) and self.buckets < 2:
            raise ValueError(f"buckets {self.buckets} should be two or more")
        if isinstance(self.buckets, tuple) and (not self.buckets or list(self.buckets) != sorted(set(self.buckets))):
            raise ValueError(f"buckets {list(self.buckets)} should be boundaries, one or more, in ascending order, all different")
        if self.shared_with is not None and (self.min_count > 1 or self.hash_size is not None):
            raise ValueError(f"min_count and hash_size are those of {self.shared_with}, with which it shares its ids")
        if self.shared_with is not None and (self.width is not None or self.pretrained is not None):
            raise ValueError(f"width and pretrained are those of {self.shared_with}, with which it shares its vectors")
        if self.pooling == "attention" and self.target is None:
            raise ValueError("pooling attention needs a target, the categorical feature that asks")
        if self.target is not None and "pooling" in self.model_fields_set and self.pooling != "attention":
            raise ValueError(f"a target asks where pooling is attention, and it is {self.pooling}")
        if self.pooling == "concat" and self.length is None:
            raise ValueError("pooling concat needs a length, how many values are kept apart")
        return self

    @model_serializer(mode="wrap")
    def _said(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What was said alone, since the rest may be said of all features, or mean nothing for this one."""
        return {name: value for name, value in dump(self).items() if name in self.model_fields_set}

    def width_of(self, size: int) -> int | None:
        """The width of the vectors of `size` ids; None: the model's.

        `auto` is the rule of Wang et al., "Deep & Cross Network for Ad Click Predictions" (2017), section 4.2.
        """
        return max(round(6 * size**0.25), 1) if self.width == "auto" else self.width


MODEL_SIDE = frozenset(("width", "pooling", "target", "length", "pretrained"))
"""The settings of a feature that the prepared data do not depend on."""


def _settings(value: Any) -> Any:
    """Turns the command line's "C1.min_count=10,*.width=8" into a mapping of mappings."""
    pairs = _pairs(value)
    if not isinstance(pairs, dict):
        return pairs
    nested: dict[str, Any] = {}
    for name, said in pairs.items():
        feature, dot, setting = str(name).rpartition(".")
        if isinstance(said, (dict, Feature)):
            nested[name] = said
        elif dot and setting in Feature.model_fields and isinstance(nested.setdefault(feature, {}), dict):
            nested[feature][setting] = said
        else:
            raise ValueError(f"'{name}' should be a feature and a setting, FEATURE.SETTING=value, of {', '.join(Feature.model_fields)}")
    return nested


class DataConfig(Section):
    """All settings that decide what a prepared dataset holds."""

    source: Source = Source()
    """Where the log lies and how to read it."""
    cleaning: Cleaning = Cleaning()
    """Which rows count."""
    split: Split = Split()
    """How they are divided."""
    knowledge: KnowledgeGraph = KnowledgeGraph()
    """What counts of the knowledge graph beside it."""
    social: SocialGraph = SocialGraph()
    """What counts of the links between its users."""
    features: Annotated[dict[str, Feature], BeforeValidator(_settings)] = {}
    """What features are made into, by name: a column of the log by its own (C1), those of users and items as user.age and item.genre, and
    user and item themselves; "*" says it of all that do not say it themselves. On the command line: C1.min_count=10,*.width=8."""

    @field_validator("features")
    @classmethod
    def _sharing_is_of_one(cls, features: dict[str, Feature]) -> dict[str, Feature]:
        if "*" in features and features["*"].shared_with is not None:
            raise ValueError("*.shared_with: features share ids one by one")
        return features

    def key(self) -> dict[str, Any]:
        """What the prepared data depend on, as plain values: all but how ids become vectors."""
        said = {
            name: feature.model_dump(mode="json", include=feature.model_fields_set - MODEL_SIDE) for name, feature in self.features.items()
        }
        return {**self.model_dump(mode="json"), "features": {name: settings for name, settings in said.items() if settings}}
