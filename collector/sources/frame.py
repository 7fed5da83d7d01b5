"""What inference servers take and give, as columns: rows of a request, or of its response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_ROWS = 200_000  # a small body can hold very many tiny rows


@dataclass(frozen=True)
class Frame:
    """Rows by columns.

    Attributes:
        rows: how many; at least one.
        columns: by name, a value for each row: a scalar, or a flat list. The name is empty where the body
            gives values alone.
        version: the model's version, where the body says it.
    """

    rows: int
    columns: Mapping[str, list[Any]]
    version: str | None = None


class UnreadableError(ValueError):
    """A body cannot be read as rows: the field, its value, what is wrong and what to do."""

    def __init__(self, field: str, value: Any, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason, self.fix = field, value, reason, fix


def framed(field: str, columns: Mapping[str, list[Any]], version: str | None = None) -> Frame:
    """Columns as a frame.

    Args:
        field: where they come from, for messages.
        columns: the values by name.
        version: the model's version.

    Raises:
        UnreadableError: they are of different lengths, empty, or too long.
    """
    sizes = {name: len(values) for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        raise UnreadableError(
            field, sizes, "its parts have different numbers of rows", "give each the same first dimension"
        )
    rows = next(iter(sizes.values()), 0)
    if not rows:
        raise UnreadableError(field, None, "it holds no rows", "send at least one")
    if rows > MOST_ROWS:
        raise UnreadableError(field, rows, "it holds too many rows", f"send at most {MOST_ROWS} in a request")
    return Frame(rows, columns, version)
