"""YAML files within bounds, and what is wrong with them in words."""

from __future__ import annotations

import reprlib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

LARGEST_FILE = 1_000_000
MOST_VALUES = 100_000
MOST_PROBLEMS = 20
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 100
SHORT.maxlevel = 2


class DocumentError(ValueError):
    """A file cannot be read; the message names the file and says why."""


def read_document(path: Path, kind: str) -> Any:
    """What a YAML file says.

    Args:
        path: the file.
        kind: what it should be, for messages, such as `monitor`.

    Raises:
        DocumentError: it cannot be read, is no YAML, or is too large.
    """
    try:
        size = path.stat().st_size
        content = yaml.safe_load(path.read_text(encoding="utf-8")) if size <= LARGEST_FILE else None
        values = _values(content, {})
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # such as a date that does not exist
        raise DocumentError(f"{path}: not YAML: {error}") from None
    if size > LARGEST_FILE:
        raise DocumentError(f"{path}: is larger than {LARGEST_FILE} bytes; is it a {kind} file?")
    if values > MOST_VALUES:
        raise DocumentError(f"{path}: aliases make it larger than {MOST_VALUES} values; write them out")
    return content


def _values(content: Any, known: dict[int, int]) -> int:
    """How many values there are with YAML's aliases written out; too many for what holds itself."""
    if not isinstance(content, dict | list):
        return 1
    if id(content) not in known:
        known[id(content)] = MOST_VALUES + 1  # until it is known: it may hold itself
        parts = [*content, *content.values()] if isinstance(content, dict) else content
        known[id(content)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(content)]


def problems(error: ValidationError) -> list[str]:
    """One line for each wrong field: where it is, what is wrong, and what was given."""
    lines = []
    for item in error.errors(include_url=False)[:MOST_PROBLEMS]:
        where = ".".join(str(place) for place in item["loc"]) or "(the whole file)"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "no such setting; check its spelling, or take it out"
        told = item["type"] in ("missing", "value_error", "extra_forbidden")  # what is unknown may be secret
        lines.append(f"  {where}: {message}" + ("" if told else f" (got {SHORT.repr(item['input'])})"))
    return lines
