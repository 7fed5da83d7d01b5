"""One spool file: lines that were written once and are replayed from its beginning."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from modelwatch_sdk.batch import Batch, spool_key

_KEYED = re.compile(r"\d+-([0-9a-f]{32})\.ndjson")
_BLOCK = 1 << 20  # bytes


@dataclass
class Segment:
    """A sealed spool file and how far its replay has come.

    A file whose name holds a key (``000000-<key>.ndjson``) is one batch, which may have arrived already.

    Attributes:
        path: The file.
        start: How many of its bytes are answered for.
        leftover: Whether an earlier process wrote it.
        rows: How many lines of it are not answered for; unknown, and 0, for a leftover.
        finished: Whether all of it is answered for, and the file gone.
    """

    path: Path
    start: int = 0
    leftover: bool = False
    rows: int = 0
    finished: bool = False

    @property
    def name(self) -> str:
        """Its folder and name, which do not change when the spool moves."""
        return f"{self.path.parent.name}/{self.path.name}"

    def read(self, rows: int, most_bytes: int) -> Batch | None:
        """Reads the next batch.

        Args:
            rows: The most lines.
            most_bytes: The most bytes, unless a single line is longer.

        Returns:
            None at the end. A torn last line, from a crash, does not count as a line.

        Raises:
            OSError: The file cannot be read.
        """
        if self.finished:
            return None
        keyed = _KEYED.fullmatch(self.path.name) if self.start == 0 else None
        lines: list[bytes] = []
        size = 0
        with self.path.open("rb", buffering=_BLOCK) as file:
            file.seek(self.start)
            for line in file:
                full = len(lines) >= rows or size + len(line) > most_bytes
                if not line.endswith(b"\n") or (full and lines and not keyed):
                    break
                lines.append(line)
                size += len(line)
        if not lines:
            return None
        key = keyed.group(1) if keyed else spool_key(self.name, self.start, self.start + size)
        return Batch(lines, key, segment=self, start=self.start, leftover=self.leftover)

    def torn(self) -> bool:
        """Whether bytes without a line end are left after the last line."""
        return not self.finished and self.path.stat().st_size > self.start

    def advance(self, batch: Batch) -> None:
        """Notes that a batch is answered for; deletes the file if it was the last.

        Losing the note costs one request under a known key.
        """
        self.start = batch.start + batch.size
        self.rows -= batch.own
        with contextlib.suppress(OSError):
            self.finished = self.path.stat().st_size == self.start
        if self.finished:
            self.remove()
            return
        scratch = self.path.with_suffix(".tmp")
        with contextlib.suppress(OSError):
            scratch.write_text(str(self.start))
            scratch.replace(self.path.with_suffix(".done"))

    def remove(self) -> None:
        """Deletes the file, and the note about it after it."""
        for path in (self.path, self.path.with_suffix(".done")):
            with contextlib.suppress(OSError):
                path.unlink()

    @classmethod
    def found(cls, path: Path) -> Segment:
        """Opens a file that an earlier process left."""
        try:
            start = int(path.with_suffix(".done").read_text())
        except (OSError, ValueError):
            start = 0
        return cls(path, start=start, leftover=True)


class SegmentWriter:
    """Appends whole lines to a new spool file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self.rows = 0
        self._file = FileIO(path, "a")  # unbuffered: what is written survives the process

    def append(self, lines: Sequence[bytes]) -> None:
        """Appends lines, all or none.

        Raises:
            OSError: The disk is full or failing; nothing was appended.
        """
        data = memoryview(b"".join(lines))
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError:
            self._file.truncate(self.size)  # or the next line would continue this torn one
            raise
        self.size += len(data)
        self.rows += len(lines)

    def sync(self) -> None:
        """Makes what was appended survive a power cut.

        Raises:
            OSError: The disk is failing.
        """
        os.fsync(self._file.fileno())

    def seal(self) -> Segment:
        """Closes the file; nothing will be appended to it any more."""
        self._file.close()
        return Segment(self.path, rows=self.rows)

    def discard(self) -> None:
        """Closes the handle only: in a forked child, the file is the parent's."""
        self._file.close()
