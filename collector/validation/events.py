"""Events by field: of dictionaries, whatever they hold, or of structs made for one model's events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from operator import attrgetter
from types import GenericAlias
from typing import Any

import msgspec

from collector.schema import Schema
from collector.validation import columns
from collector.validation.columns import BadValueError, Fault

FIELDS = {
    "prediction": (
        *("kind", "model", "id", "timestamp", "version", "prediction", "score"),
        *("scores", "latency_ms", "status"),
    ),
    "label": ("kind", "model", "id", "timestamp", "label"),
}


class DictEvents:
    """Events as dictionaries."""

    def __init__(self, events: Sequence[dict[str, Any]]) -> None:
        self._events = events
        self._inner: dict[str, list[dict[str, Any]]] = {}
        self._odd: dict[str, list[Fault]] = {}

    def field(self, name: str) -> Sequence[Any]:
        """A field of every event; None where it is absent."""
        return [event.get(name) for event in self._events]

    def inner(self, group: str, name: str) -> Sequence[Any]:
        """A field of the object `features` or `tags` of every event."""
        return [held.get(name) for held in self._objects(group)]

    def odd(self, group: str) -> list[Fault]:
        """The events whose `features` or `tags` is no object."""
        self._objects(group)
        return self._odd[group]

    def raw(self, at: int) -> Any:
        """An event as it came."""
        return self._events[at]

    def _objects(self, group: str) -> list[dict[str, Any]]:
        if group not in self._inner:

            def read(value: Any) -> dict[str, Any]:
                if value is not None and not isinstance(value, dict):
                    reason = f"expected an object, got {columns.named(value)}"
                    raise BadValueError(reason, f"send {group} as an object")
                return value or {}

            empty: dict[str, Any] = {}
            self._inner[group], self._odd[group] = columns.one_by_one(self.field(group), read, empty)
        return self._inner[group]


class StructEvents:
    """Events decoded into a struct that has the fields of one model, and no others.

    Args:
        layout: made them.
        events: the structs.
        json: gives the JSON of each.
    """

    def __init__(self, layout: Layout, events: Sequence[Any], json: Callable[[int], bytes]) -> None:
        self._layout, self._events, self._json = layout, events, json

    def field(self, name: str) -> Sequence[Any]:
        """A field of every event; None where it is absent."""
        if name not in self._layout.fields:
            return [None] * len(self._events)
        return list(map(attrgetter(name), self._events))

    @cached_property
    def _columns(self) -> dict[tuple[str, str], Sequence[Any]]:
        found: dict[tuple[str, str], Sequence[Any]] = {}
        for group, names in self._layout.inner.items():
            if names:
                held = [getattr(event, group) or self._layout.empty[group] for event in self._events]
                for place, name in enumerate(names):
                    found[group, name] = list(map(attrgetter(f"f{place}"), held))
        return found

    def inner(self, group: str, name: str) -> Sequence[Any]:
        """A field of the object `features` or `tags` of every event."""
        return self._columns[group, name]

    def odd(self, _group: str) -> list[Fault]:
        """None: such an event is not decoded into a struct."""
        return []

    def raw(self, at: int) -> Any:
        """An event as it came."""
        return self._json(at).decode(errors="replace")


class Layout:
    """Decodes the JSON of one model's events of one kind into structs: much faster than into dictionaries.

    Args:
        kind: `prediction` or `label`.
        schema: of the model.
    """

    def __init__(self, kind: str, schema: Schema) -> None:
        self.fields = FIELDS[kind]
        self.inner: dict[str, tuple[str, ...]] = {}
        self.empty: dict[str, Any] = {}
        fields: list[Any] = [(name, Any, None) for name in self.fields]
        if kind == "prediction":
            self.inner = {
                "features": tuple(dict.fromkeys((*schema.features, *schema.segments))),
                "tags": schema.segments,
            }
        for group, names in self.inner.items():
            inside = _struct(group, [(f"f{place}", Any, None) for place in range(len(names))], names)
            self.empty[group] = inside()
            fields.append((group, inside | None, None))
        event = _struct(kind, fields, [name for name, *_ in fields])
        self.decode: Callable[[bytes], Any] = msgspec.json.Decoder(event).decode
        several: Any = GenericAlias(list, (event,))  # list[event], which mypy takes for an annotation
        self.decode_array: Callable[[Any], list[Any]] = msgspec.json.Decoder(several).decode


def _struct(name: str, fields: Sequence[Any], keys: Sequence[str]) -> Any:
    names = dict(zip([field for field, *_ in fields], keys, strict=True))
    return msgspec.defstruct(name, fields, rename=names, gc=False)


class Head(msgspec.Struct, gc=False):
    """What tells how an event is to be read."""

    kind: Any = None
    model: Any = None


HEAD: Callable[[bytes], Head] = msgspec.json.Decoder(Head).decode
