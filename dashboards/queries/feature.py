"""The distribution of one column: in the reference, and in some windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import sqlalchemy as sa

from alerts.tables import progress
from collector.schema import Schema
from collector.store.read import Reader
from collector.summarize import EVERYTHING
from profiles.profile import total

OUTPUTS = ("score", "prediction")  # columns that are no features
OFFERED = 400


class Chosen(Protocol):
    """Which windows are the reference."""

    @property
    def role(self) -> str:
        """Reference or production."""

    @property
    def starts(self) -> tuple[int, ...]:
        """The starts of the windows."""


class Choice(Protocol):
    """How a monitor chooses the reference for a window."""

    def choose(
        self,
        reader: Reader,
        window: int,
        past: Sequence[tuple[int, bool]],
        past_outcomes: Sequence[tuple[int, bool]],
    ) -> Chosen | None:
        """The reference for the window that starts at `window`; None while there is too little."""


@runtime_checkable
class Referenced(Protocol):
    """A schema that says what its reference is, as a whole monitor file does."""

    @property
    def reference(self) -> Choice:
        """Its choice."""


@dataclass(frozen=True)
class Column:
    """A column of a model.

    Attributes:
        name: of the feature, or `score` or `prediction`.
        part: its part of the profiles.
        space: what it is counted on.
    """

    name: str
    part: str
    space: Any

    @property
    def kind(self) -> str:
        """Numeric, categorical, embedding or score."""
        return str(self.space.kind)

    @property
    def subject(self) -> str:
        """Its name in verdicts: what the model says is nobody's subject."""
        return self.name if self.part.startswith("features.") else ""


def columns(reader: Reader, schema: Schema) -> list[Column]:
    """Every column with a picture of its own: the features, then what the model says."""
    spaces = reader.shape.spaces if reader.shape else {}
    parts = [(name, f"features.{name}") for name in schema.features]
    parts += [(name, name) for name in OUTPUTS if name not in schema.features]
    return [Column(name, part, spaces[part]) for name, part in parts if part in spaces]


@dataclass(frozen=True)
class Compared:
    """Summaries of a column: of the reference and of the chosen windows, and which windows these are."""

    reference: Any
    current: Any
    role: str | None
    reference_starts: Sequence[int]
    starts: Sequence[int]


def window_starts(reader: Reader, most: int = OFFERED) -> list[int]:
    """The newest windows with predictions, ascending."""
    return reader.starts("production")[-most:]


def compare(
    reader: Reader, chosen: Chosen | None, column: Column, starts: Sequence[int], segment: str = EVERYTHING
) -> Compared:
    """Add up the column's summaries over some windows, and over their reference."""
    zero = column.space.zero()

    def summed(role: str, wanted: Sequence[int]) -> Any:
        whole = total(reader.traffic(role, wanted, segment).values())
        return whole.parts.get(column.part, zero)

    reference = summed(chosen.role, chosen.starts) if chosen else zero
    current = summed("production", starts)
    held = chosen.starts if chosen else ()
    return Compared(reference, current, chosen.role if chosen else None, held, starts)


@dataclass(frozen=True)
class FileWindows:
    """The windows of a reference file."""

    starts: tuple[int, ...]
    role: str = "reference"


def reference_of(connection: sa.Connection, reader: Reader, schema: Schema, window: int) -> Chosen | None:
    """The reference that a window was judged against; None while the model was learning."""
    if isinstance(schema, Referenced):
        return schema.reference.choose(reader, window, _past(connection, schema.model), ())
    starts = tuple(reader.starts("reference"))
    return FileWindows(starts) if starts else None


def _past(connection: sa.Connection, model: str) -> list[tuple[int, bool]]:
    """The judged windows, and whether they were in breach: what a trailing reference is chosen by."""
    query = sa.select(progress.c.trackers).filter_by(model=model)
    stored = connection.execute(query).scalar()
    return [(start, breach) for start, breach in (stored or {}).get("past", ())]
