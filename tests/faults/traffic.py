"""What the fault tests send: good events out of order, bad rows, and events that come again."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.collector.collecting import HOUR, T0, deployment, label, prediction

BAD_ROWS: tuple[Any, ...] = (
    {"kind": "prediction", "model": "m", "id": "bad", "timestamp": T0, "features": {"x": 1}, "score": 7},
    {"kind": "prediction", "model": "m", "timestamp": "yesterday", "id": "bad", "score": 0.5},
    {"kind": "prediction", "model": "nobody", "id": "bad", "timestamp": T0, "score": 0.5},
    {"kind": "label", "model": "m", "id": "bad", "label": "neither", "timestamp": T0},
    b'{"kind": "prediction", "model": "m", "id": "cut o',
)


@dataclass(frozen=True)
class Parcel:
    """Events that are sent together.

    Attributes:
        key: what it is known by.
        lines: an event each.
        bad: how many of them are bad.
    """

    key: str
    lines: tuple[bytes, ...]
    bad: int

    @property
    def body(self) -> bytes:
        """Its lines as one body."""
        return b"\n".join(self.lines)


@dataclass(frozen=True)
class Traffic:
    """What is sent, and what is to come of it.

    Attributes:
        parcels: in the order in which they are sent.
        good: every distinct good event.
    """

    parcels: tuple[Parcel, ...]
    good: tuple[dict[str, Any], ...]

    @property
    def bad(self) -> int:
        """The bad rows of all parcels, each sent once."""
        return sum(parcel.bad for parcel in self.parcels)

    def again(self) -> Traffic:
        """The same in parcels with other keys."""
        return replace(self, parcels=tuple(replace(one, key=f"again-{one.key}") for one in self.parcels))


def good_events(size: int) -> list[dict[str, Any]]:
    """So many predictions, their labels, and a release every eight hours."""
    events = [prediction(number) for number in range(size)]
    events += [label(number) for number in range(size)]
    span = int(size * 100 / HOUR)
    return events + [deployment(f"v{hour}", T0 + hour * HOUR) for hour in range(0, span, 8)]


def traffic(size: int, per: int, seed: int) -> Traffic:
    """The events of so many predictions in parcels of up to about `per` lines.

    Some labels are sent before their predictions, three in a hundred events a second time in another
    parcel, and one line in a hundred is bad.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret
    good = good_events(size)
    places = [(event["timestamp"] - T0) / 100.0 for event in good]
    shaken = [place + dice.uniform(-400, 400) for place in places]
    again = dice.sample(range(len(good)), len(good) * 3 // 100)
    order = [(place, good[number]) for number, place in enumerate(shaken)]
    order += [(shaken[number] + dice.uniform(0, 2000), good[number]) for number in again]
    order.sort(key=lambda pair: pair[0])
    lines: list[tuple[bytes, bool]] = []
    for _, event in order:
        lines.append((json.dumps(event).encode(), False))
        if dice.random() < 0.01:
            lines.append((_line(dice.choice(BAD_ROWS)), True))
    return Traffic(tuple(_parcels(lines, per, dice, seed)), tuple(good))


def _parcels(lines: Sequence[tuple[bytes, bool]], per: int, dice: random.Random, seed: int) -> list[Parcel]:
    parcels: list[Parcel] = []
    at = 0
    while at < len(lines):
        taken = lines[at : at + dice.randint(1, 2 * per)]
        at += len(taken)
        bad = sum(is_bad for _, is_bad in taken)
        parcels.append(Parcel(f"{seed}-{len(parcels)}", tuple(line for line, _ in taken), bad))
    return parcels


def _line(row: Any) -> bytes:
    return row if isinstance(row, bytes) else json.dumps(row).encode()
