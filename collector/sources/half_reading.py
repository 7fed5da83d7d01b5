"""Reads halves that loggers sent, in pairs or alone, into one batch."""

from __future__ import annotations

from typing import Any

import msgspec

from collector.sources.frame import UnreadableError
from collector.sources.layout import Event
from collector.sources.logged import Logged
from collector.sources.reading import Reading
from collector.sources.waiting import Half
from collector.validation.decode import BadBodyError, event_of_line

SHOWN = 1000


class HalfReading(Reading):
    """Collects pairs, what has no other half, and what was refused when it arrived."""

    def prediction(self, request: Logged, response: Logged | None) -> None:
        """Add a request and its response; a request without one has failed."""
        service = request.service
        raw = {"id": request.half.id, "request": _text(request), "response": response and _text(response)}
        if service is None:
            fix = "add it under services: in the source's file"
            fault = UnreadableError("service", request.half.id, "no such service is configured", fix)
            self.refuse("", fault, raw)
            return
        try:
            asked = _document("request", request)
            answered = None if response is None else _document("response", response)
        except UnreadableError as fault:
            self.refuse(service.model, fault, raw)
            return
        base: Event = {
            "id": request.id,
            "timestamp": request.time,
            "version": (response.version(answered) if response else None) or request.version(asked),
            "tags": request.mapping("metadata"),
        }
        base |= _latency(request, response) if response and service.latency else {}
        self.pair(service.model, service, asked, answered, base, raw)

    def without_request(self, response: Logged, waited: float) -> None:
        """Add a response that no request came for."""
        model = response.service.model if response.service else ""
        reason = f"no request with this id came within {waited:g} s, or it was counted as without response"
        fix = "log both requests and responses (logger mode: all); a longer orphan_timeout waits longer"
        self.refuse(model, UnreadableError("id", response.id, reason, fix), _text(response))

    def refused(self, half: Half) -> None:
        """Add what was refused when it arrived."""
        model, where, value, reason, fix, raw = msgspec.json.decode(half.body, type=tuple[str, ...])
        self.refuse(model, UnreadableError(where, value, reason, fix), raw)

    def poison(self, half: Half, reason: str) -> None:
        """Add what cannot be committed, by its first half."""
        fix = "report this with what was logged; the service's log says where"
        raw = half.body[:SHOWN].decode(errors="replace")
        self.refuse("", UnreadableError(half.part, half.id, reason, fix), raw)


def refusal(model: str, fault: UnreadableError, raw: str) -> bytes:
    """What is wrong with what arrived, as the body of a half; `HalfReading.refused` reads it."""
    value = str(fault.value or "")[:SHOWN]
    return msgspec.json.encode((model, fault.field, value, str(fault), fault.fix, raw[:SHOWN]))


def _document(part: str, logged: Logged) -> Any:
    document = event_of_line(logged.data)
    if isinstance(document, BadBodyError):
        raise UnreadableError(part, _text(logged)[:200], str(document), document.fix)
    return document


def _latency(request: Logged, response: Logged) -> Event:
    """How long the response took, where both loggers say when."""
    began, ended = (one.time if one.attributes.get("time") else None for one in (request, response))
    if not isinstance(began, float) or not isinstance(ended, float) or ended < began:
        return {}
    return {"latency_ms": round((ended - began) * 1e3, 3)}


def _text(logged: Logged) -> str:
    return logged.data[:SHOWN].decode(errors="replace")
