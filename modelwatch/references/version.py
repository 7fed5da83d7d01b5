"""A version's first days are the reference."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from collector.store.read import Reader
from collector.window import MICROSECOND
from detectors import Duration, parse_duration
from modelwatch.references.reference import Past, Reference, Windows

FEWEST = 2


class VersionReference(Reference):
    """What a version predicted in its first days: of the version named, or of the model's first."""

    kind: Literal["version"] = "version"
    version: str | None = Field(default=None, description="The first that the model had, when left out.")
    first: Duration = Field(default=parse_duration("7d"), description="So long from its first prediction.")

    def choose(
        self,
        reader: Reader,
        window: int,
        past: Past,  # noqa: ARG002 - its first days are good by decree
        past_outcomes: Past,  # noqa: ARG002 - the same
    ) -> Windows | None:
        """The windows of the version's first days, once they are over."""
        found = self._windows(reader)
        if found is None or len(found.starts) < FEWEST:
            return None
        return found if window >= found.starts[0] + self.first // MICROSECOND else None

    def _windows(self, reader: Reader) -> Windows | None:
        version = self.version if self.version is not None else reader.first_version()
        starts = [] if version is None else reader.starts("production", version=version)
        end = starts[0] + self.first // MICROSECOND if starts else 0
        held = tuple(start for start in starts if start < end)
        return Windows("production", held, held, version) if held else None

    def needed(self, reader: Reader, past: Past, past_outcomes: Past) -> set[int]:  # noqa: ARG002 - as above
        """The windows of the version's first days, over or not."""
        found = self._windows(reader)
        return set(found.starts) if found else set()
