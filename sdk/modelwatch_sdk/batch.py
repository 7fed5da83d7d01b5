"""A batch: the lines that go out in one request, under one key."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelwatch_sdk.segment import Segment


@dataclass
class Batch:
    """Some lines and their idempotency key.

    Attributes:
        lines: One event each, newline included.
        key: The same for as long as the batch is the same.
        segment: The spool file that the lines are in, or None when they are in memory only.
        start: Their first byte's offset in that file.
        sent: Whether they went out before.
        leftover: Whether they entered through an earlier process.
    """

    lines: Sequence[bytes]
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    segment: Segment | None = None
    start: int = 0
    sent: bool = False
    leftover: bool = False

    @property
    def size(self) -> int:
        r"""Bytes.

        >>> Batch([b"{}\n", b"{}\n"]).size
        6
        """
        return sum(map(len, self.lines))

    @property
    def own(self) -> int:
        """How many of its events entered through this process."""
        return 0 if self.leftover else len(self.lines)

    def halves(self) -> list[Batch]:
        r"""Splits the batch into two with keys of their own.

        Those of a spooled batch come out the same every time.

        >>> [len(half.lines) for half in Batch([b"{}\n"] * 3).halves()]
        [1, 2]
        """
        middle = len(self.lines) // 2
        parts = []
        start = self.start
        for lines in (self.lines[:middle], self.lines[middle:]):
            part = Batch(lines, segment=self.segment, start=start, sent=self.sent, leftover=self.leftover)
            end = start + part.size
            if self.segment is not None:
                part.key = spool_key(self.segment.name, start, end)
            parts.append(part)
            start = end
        return parts


def spool_key(name: str, start: int, end: int) -> str:
    """Derives the key of a spooled batch from where it is: a crash in mid-replay sends the same key again.

    The end belongs to it: the same key must never stand for more lines than before.

    >>> spool_key("a/000100.ndjson", 0, 10) == spool_key("a/000100.ndjson", 0, 10)
    True
    """
    return hashlib.sha256(f"{name}:{start}:{end}".encode()).hexdigest()[:32]


def chunks(lines: Sequence[bytes], most_bytes: int) -> Iterator[Sequence[bytes]]:
    r"""Cuts lines into runs of at most `most_bytes` bytes, or of one line that is longer.

    >>> list(chunks([b"a\n", b"b\n", b"longer\n"], 4))
    [[b'a\n', b'b\n'], [b'longer\n']]
    """
    first, size = 0, 0
    for position, line in enumerate(lines):
        if size + len(line) > most_bytes and position > first:
            yield lines[first:position]
            first, size = position, 0
        size += len(line)
    if first < len(lines):
        yield lines[first:]
