"""From a team's own message layout to our event: which value of the message is which field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, PlainSerializer

from collector.schema import Part

STEP = re.compile(r"\.?([^.\[\]\s$\"']+)|\[(\d+)\]|\[\"([^\"]+)\"\]|\['([^']+)'\]")
OWN = re.compile(r"\$(key|timestamp|position|headers\.(.+))")
UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


class Origin(NamedTuple):
    """What a message says beside its value.

    Attributes:
        position: `topic/partition@offset`.
        timestamp: when it was written, in milliseconds since 1970.
        key: its key.
        headers: its headers.
    """

    position: str
    timestamp: int
    key: bytes | None
    headers: list[tuple[str, bytes]]


class Path(NamedTuple):
    """Where a value is in a message: keys and places, or one of the message's own properties."""

    text: str
    steps: tuple[str | int, ...] = ()
    own: str = ""

    def find(self, value: Any, origin: Origin) -> Any:
        """The value at the path; None where there is nothing."""
        if self.own:
            return _own(self.own, origin)
        for step in self.steps:
            if isinstance(step, str):
                value = value.get(step) if isinstance(value, dict) else None
            else:
                value = value[step] if isinstance(value, list) and step < len(value) else None
        return value


def _own(name: str, origin: Origin) -> Any:
    if name == "position":
        return origin.position
    if name == "timestamp":
        return origin.timestamp / 1000
    found = origin.key if name == "key" else dict(origin.headers).get(name.removeprefix("headers."))
    return found if found is None else found.decode(errors="replace")


def parse_path(text: Any) -> Path:
    """Read a path such as `output.probs[1]`, `input["card.country"]`, `$key` or `$headers.trace`.

    Raises:
        ValueError: it is no path.

    >>> parse_path("output.probs[1]").steps
    ('output', 'probs', 1)
    """
    fix = (
        'write names with dots, such as `meta.id`, `probs[1]`, `input["a.b"]`, or $key, $timestamp, $position'
    )
    if isinstance(text, Path):
        return text
    if not isinstance(text, str) or not text:
        raise ValueError(f"{text!r} is no path; {fix}, $headers.NAME")
    if own := OWN.fullmatch(text):
        return Path(text, own=own[1])
    steps: list[str | int] = []
    place = 0
    while place < len(text):
        match = STEP.match(text, place)
        if match is None or (place == 0 and text.startswith(".")):
            raise ValueError(f"{text!r} is no path at {text[place:]!r}; {fix}, $headers.NAME")
        name = match[1] or match[3] or match[4]
        steps.append(name or int(match[2]))
        place = match.end()
    return Path(text, tuple(steps))


PathText = Annotated[
    Path, BeforeValidator(parse_path), PlainSerializer(lambda path: path.text, return_type=str)
]


class FieldMap(Part):
    """Where each field of an event is in a message; what is left out is not there."""

    model: PathText | None = None
    kind: PathText | None = None
    id: PathText | None = None
    timestamp: PathText | None = None
    version: PathText | None = None
    prediction: PathText | None = None
    score: PathText | None = None
    scores: PathText | dict[str, PathText] | None = Field(
        default=None, description="An object of class and probability, or where each class's is."
    )
    latency_ms: PathText | None = None
    status: PathText | None = None
    label: PathText | None = None
    by: PathText | None = None
    reason: PathText | None = None
    features: PathText | dict[str, PathText] | None = Field(
        default=None, description="An object with all features, or where each of them is."
    )
    tags: PathText | dict[str, PathText] | None = None


def compiled(fields: FieldMap, fixed: Mapping[str, Any], unit: str) -> Callable[[Any, Origin], Any]:
    """What makes an event of a message's value.

    Args:
        fields: where everything is.
        fixed: what all events have in common.
        unit: of the time, where it is a number: s, ms, us or ns.
    """
    found = {name: getattr(fields, name) for name in FieldMap.model_fields}
    paths = [(name, path) for name, path in found.items() if isinstance(path, Path)]
    groups = [(name, list(parts.items())) for name, parts in found.items() if isinstance(parts, dict)]
    scale = UNITS[unit] if fields.timestamp is not None and not fields.timestamp.own else 1

    def event(value: Any, origin: Origin) -> Any:
        if not isinstance(value, dict):
            return value  # the validator says what is wrong with it
        made = dict(fixed)
        for name, path in paths:
            made[name] = path.find(value, origin)
        for name, parts in groups:
            made[name] = {key: path.find(value, origin) for key, path in parts}
        moment = made.get("timestamp")
        if scale > 1 and isinstance(moment, int | float) and not isinstance(moment, bool):
            made["timestamp"] = moment / scale
        return made

    return event
