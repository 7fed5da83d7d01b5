"""A half as its logger sent it: which service's, when, which version's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import msgspec
from pydantic import Field

from collector.sources.cloud_events import CloudEvent
from collector.sources.layout import Layout
from collector.sources.waiting import Half
from collector.window import microseconds

MODEL_VERSION = "model_version"
MAPPINGS = ("metadata", "annotations")  # attributes that hold JSON objects
_decoder = msgspec.msgpack.Decoder(tuple[dict[str, str], bytes])


class Service(Layout):
    """An inference service, the model that monitors it, and how its bodies are read.

    Attributes:
        service: `namespace/name`, or a name in whatever namespace.
        model: the monitored model.
        version: where the version comes from, the first that is there: `model_version` of a V2 response, an
            attribute of the event such as `endpoint` or `modelid`, `metadata.<header>` or
            `annotations.<name>`.
        latency: whether the time from the request's event to the response's is the latency.
    """

    service: str = Field(pattern=r"^([^/\s]+/)?[^/\s]+$")
    model: str
    version: tuple[str, ...] = (MODEL_VERSION, "endpoint")
    latency: bool = True


def packed(event: CloudEvent) -> bytes:
    """An event as a half's body."""
    return msgspec.msgpack.encode((dict(event.attributes), event.data))


def service_name(attributes: Mapping[str, str]) -> str:
    """The `namespace/name` of the service that logged an event; empty where it does not say."""
    name = attributes.get("inferenceservicename", "")
    return f"{attributes.get('namespace', '')}/{name}".removeprefix("/") if name else ""


def service_of(attributes: Mapping[str, str], services: Mapping[str, Service]) -> Service | None:
    """The configured service that logged an event."""
    full = service_name(attributes)
    return services.get(full) or services.get(full.rpartition("/")[2])


@dataclass(frozen=True)
class Logged:
    """A half, read but for its data."""

    half: Half
    attributes: Mapping[str, str]
    data: bytes
    service: Service | None

    @classmethod
    def of(cls, half: Half, services: Mapping[str, Service]) -> Self:
        """Unpack a half."""
        attributes, data = _decoder.decode(half.body)
        return cls(half, attributes, data, service_of(attributes, services))

    @property
    def id(self) -> str:
        """The prediction's id, as its client knows it."""
        return self.half.id.removeprefix(service_name(self.attributes) + "/")

    @property
    def time(self) -> float | str:
        """When it happened, in seconds: by its logger, or when it arrived. A text that is no time is kept."""
        given = self.attributes.get("time", "")
        if not given:
            return self.half.at / 1e6
        try:
            return microseconds(datetime.fromisoformat(given)) / 1e6
        except (ValueError, OverflowError):
            return given

    def mapping(self, attribute: str) -> dict[str, Any]:
        """An attribute that holds an object, by names in lower case; of several values the first."""
        try:
            given = msgspec.json.decode(self.attributes.get(attribute, "{}"))
        except ValueError:
            return {}
        if not isinstance(given, dict):
            return {}
        return {
            name.lower(): (value[0] if isinstance(value, list) and value else value)
            for name, value in given.items()
        }

    def version(self, document: Any) -> str | None:
        """The model's version, where this half says it.

        Args:
            document: its data as JSON has it.
        """
        for origin in self.service.version if self.service else ():
            if origin == MODEL_VERSION:
                found = document.get(MODEL_VERSION) if isinstance(document, dict) else None
            elif origin.partition(".")[0] in MAPPINGS:
                attribute, _, name = origin.partition(".")
                found = self.mapping(attribute).get(name.lower())
            else:
                found = self.attributes.get(origin.lower().removeprefix("ce-"))
            if isinstance(found, str | int) and found != "":
                return str(found)
        return None
