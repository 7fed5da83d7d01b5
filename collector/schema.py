"""What a monitored model's prediction log looks like: the collector's part of a monitor file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from collector.encoders.encoder import Encoder, EncoderError
from collector.validation.columns import BadValueError, text
from collector.window import Window
from detectors import Duration, parse_duration

VERSION = "version"


class Part(BaseModel):
    """Base of configuration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _class_names(values: Any) -> Any:
    """Classes as events have them: numbers and booleans as their text."""
    if not isinstance(values, dict):
        raise ValueError(f"{values!r} is no mapping; write scores: {{cat: p_cat, dog: p_dog}}")  # noqa: TRY004
    return dict(zip(_texts(list(values)), values.values(), strict=True))


class Columns(Part):
    """How the columns are called in files. On the wire events have the names on the left."""

    timestamp: str = "timestamp"
    id: str = "id"
    prediction: str = "prediction"
    score: str = "score"
    scores: Annotated[dict[str, str], BeforeValidator(_class_names)] = Field(
        default_factory=dict,
        description="Of a multi-class task: the column of each class's probability, such as {cat: p_cat}.",
    )
    label: str = "label"
    label_time: str = "label_time"
    latency: str = "latency_ms"
    status: str = "status"
    version: str = "version"


def _texts(values: Any) -> Any:
    """Categories as events have them: numbers and booleans as their text."""
    if not isinstance(values, list | tuple):
        raise ValueError(f"{values!r} is no list of categories; write values: [red, green]")  # noqa: TRY004
    try:
        return [text(value) for value in values]
    except BadValueError as error:
        raise ValueError(f"{error}; {error.fix}") from None


Effect = Annotated[
    float | None,
    Field(ge=0, allow_inf_nan=False, description="Drift whose value is no larger than this is no news."),
]


class NumericFeature(Part):
    """A number; null or absent means missing. Numbers beyond `min` and `max` are counted, not rejected."""

    kind: Literal["numeric"] = "numeric"
    required: bool = False
    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    min_effect: Effect = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; swap them")
        return self

    @property
    def has_contract(self) -> bool:
        """Whether a row can break what is declared."""
        return self.required or self.min is not None or self.max is not None


class CategoricalFeature(Part):
    """A category; numbers and booleans are read as their text. Others than `values` are counted."""

    kind: Literal["categorical"] = "categorical"
    required: bool = False
    values: Annotated[tuple[str, ...], BeforeValidator(_texts), Field(min_length=1)] | None = None
    min_effect: Effect = None

    @property
    def has_contract(self) -> bool:
        """Whether a row can break what is declared."""
        return self.required or self.values is not None


class EmbeddingFeature(Part):
    """A vector: several columns of a file, or one list on the wire; or what an encoder makes of an input.

    The input of an encoder is one column, of the feature's name.
    """

    kind: Literal["embedding"] = "embedding"
    columns: tuple[str, ...] = ()
    encoder: Encoder | None = None
    required: bool = False

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.columns) is (self.encoder is not None):
            raise ValueError("an embedding needs `columns: [e0, e1, ...]`, or an `encoder:`, and not both")
        return self

    def parts(self, name: str) -> tuple[str, ...]:
        """The columns of a file that the feature of this name comes from."""
        return self.columns or (name,)

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has.

        Raises:
            EncoderError: there is an encoder that cannot be used.
        """
        if self.encoder is None:
            return len(self.columns)
        return self.encoder.width

    @property
    def has_contract(self) -> bool:
        """Whether a row can break what is declared."""
        return self.required


def _shorthand(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Feature = Annotated[
    Annotated[NumericFeature | CategoricalFeature | EmbeddingFeature, Field(discriminator="kind")],
    BeforeValidator(_shorthand),
]


def located(features: Mapping[str, Feature], folder: Path) -> dict[str, Feature]:
    """Features with their encoders found, relative to a folder, and tried.

    Raises:
        EncoderError: an encoder cannot be used; the message names the feature.
    """
    found = dict(features)
    for name, spec in features.items():
        if isinstance(spec, EmbeddingFeature) and spec.encoder is not None:
            try:
                encoder = spec.encoder.located(folder)
                encoder.try_out()
            except EncoderError as error:
                raise EncoderError(f"features.{name}.encoder: {error}") from None
            found[name] = spec.model_copy(update={"encoder": encoder})
    return found


class Log(Part):
    """The prediction log: which share of the rows it keeps, and for how long."""

    sample: float = Field(default=1.0, gt=0, le=1)
    keep: Duration = parse_duration("7d")
    buffer_mb: int = Field(
        default=1024, ge=1, description="So much may wait in the database for its file; more is not logged."
    )


class Sampling(Part):
    """The sample of rows that is stored of every window."""

    rows: int = Field(default=1000, ge=0, le=100_000, description="Rows of a window; 0 for no sample.")
    keep: Duration = Field(default=parse_duration("30d"), description="Samples of older windows are deleted.")


class LabelJoin(Part):
    """What waits for its label, or to be corrected."""

    most: int = Field(
        default=200_000_000,
        ge=100_000,
        description="Rows that are held, predictions and labels; where more come, a sample by id is joined.",
    )


class Keep(Part):
    """How long what was counted is kept."""

    windows: Duration = Field(
        default=parse_duration("90d"), description="Older windows are summed into days."
    )
    days: Duration = Field(default=parse_duration("730d"), description="Older days are deleted.")
    rejected: Duration = parse_duration("30d")
    deliveries: Duration = Field(
        default=parse_duration("7d"), description="So long a repeated delivery is known by its key."
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.days < self.windows:
            raise ValueError("keep: days cannot be shorter than windows, which they are made of")
        return self


def _no_log(value: Any) -> Any:
    return None if value == "none" else value


class Schema(Part):
    """A model's task, features, segments and windows."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    task: Literal["binary", "multiclass", "regression", "ranking"]
    columns: Columns = Columns()
    features: dict[str, Feature] = Field(min_length=1)
    segments: tuple[str, ...] = ()
    window: Window = Window(size=parse_duration("1h"))
    lateness: Duration | None = Field(
        default=None, description="How long a window stays open after its end; none when left out."
    )
    label_horizon: Duration = Field(
        default=parse_duration("60d"), description="Predictions older than this are no longer joined."
    )
    labels: LabelJoin = LabelJoin()
    log: Annotated[Log | None, BeforeValidator(_no_log)] = Log()
    keep: Keep = Keep()
    sample: Sampling = Sampling()
    positive: str | None = Field(
        default=None, description="The label of the positive class, when not 1/true."
    )

    def is_version(self, segment: str) -> bool:
        """Whether a segment is the model's version: it is called so, and no feature is."""
        return segment == VERSION and segment not in self.features

    def declared(self) -> frozenset[str]:
        """The features with a contract that a row can break."""
        return frozenset(name for name, feature in self.features.items() if feature.has_contract)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.positive is not None and self.task != "binary":
            raise ValueError(f"positive: {self.positive!r} only makes sense for task: binary; leave it out")
        if len(set(self.segments)) < len(self.segments):
            raise ValueError(f"segments: {list(self.segments)} names one twice")
        if self.columns.scores and self.task != "multiclass":
            raise ValueError(
                f"columns.scores: only task: multiclass has a probability for each class, this is task: "
                f"{self.task}; leave it out, or write score: COLUMN"
            )
        odd = [name for name in (*self.features, *self.segments) if not name or "|" in name]
        if odd:
            raise ValueError(f"features and segments: {odd} cannot be names; leave out `|`")
        return self
