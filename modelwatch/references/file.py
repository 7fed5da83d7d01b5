"""A file is the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from collector.store.read import Reader
from modelwatch.references.reference import Past, Reference, Windows, every


class FileReference(Reference):
    """A file of known-good predictions, with labels where there are any."""

    kind: Literal["file"] = "file"
    path: Path

    def choose(
        self,
        reader: Reader,
        window: int,  # noqa: ARG002 - the same for every window
        past: Past,  # noqa: ARG002 - the same
        past_outcomes: Past,  # noqa: ARG002 - the same
    ) -> Windows | None:
        """Every window of the file."""
        return every(reader)

    @property
    def file(self) -> Path | None:
        """The file."""
        return self.path
