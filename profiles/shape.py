"""The shape of a model's profiles: which spaces its parts are counted on.

It is fixed when the reference is made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property
from typing import Any, get_args

from profiles.categorical import Vocabulary
from profiles.class_scores import ClassScores
from profiles.classes import ClassOutcomes
from profiles.contract import ARRIVALS, CONTRACT, Arrivals, Contract
from profiles.embedding import Projection
from profiles.grid import Grid
from profiles.latency import LatencyGrid
from profiles.losses import Losses
from profiles.moments import Moments
from profiles.outcomes import Outcomes, ResidualGrid
from profiles.ranking import RankedLists
from profiles.score import ScoreGrid
from profiles.scored import Scored

Counted = Grid | Vocabulary | Projection | Moments | ScoreGrid | LatencyGrid
Estimated = Scored | Losses | ClassScores
Judged = Outcomes | ClassOutcomes | ResidualGrid | RankedLists
Space = Counted | Estimated | Judged | Arrivals | Contract
SPACES: Mapping[str, type[Space]] = {space.kind: space for space in get_args(Space)}
COMMON: Mapping[str, Space] = {space.kind: space for space in (ARRIVALS, CONTRACT)}


def _dump(space: Any) -> Any:
    if is_dataclass(space):
        kind = {"kind": getattr(space, "kind")}  # noqa: B009 - a dataclass type has no such attribute to mypy
        values = {f.name: getattr(space, f.name) for f in fields(space)}
        # what older shapes do not say is None in them, and is left out, so that they keep their digests
        return kind | {name: _dump(value) for name, value in values.items() if value is not None}
    return list(space) if isinstance(space, tuple) else space


def _load(stored: Any) -> Any:
    if isinstance(stored, dict):
        values = {name: _load(value) for name, value in stored.items() if name != "kind"}
        return SPACES[stored["kind"]](**values)
    return tuple(stored) if isinstance(stored, list) else stored


@dataclass(frozen=True)
class Shape:
    """The spaces of a profile's parts, by part name.

    >>> shape = Shape({"features.age": Grid(40.0, 10.0)})
    >>> Shape.from_json(shape.to_json()) == shape
    True
    """

    spaces: Mapping[str, Space]

    def space(self, part: str) -> Space:
        """The space of a part; those that count broken rows are the same in every shape.

        Raises:
            KeyError: the shape has no such part.
        """
        return COMMON.get(part.partition(".")[0]) or self.spaces[part]

    def to_json(self) -> str:
        """A text that `from_json` reads back; equal shapes have equal texts."""
        return json.dumps({name: _dump(space) for name, space in sorted(self.spaces.items())})

    @classmethod
    def from_json(cls, text: str) -> Shape:
        """Read what `to_json` wrote."""
        return cls({name: _load(space) for name, space in json.loads(text).items()})

    @cached_property
    def digest(self) -> str:
        """Names the shape: profiles add only if their digests are equal."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]
