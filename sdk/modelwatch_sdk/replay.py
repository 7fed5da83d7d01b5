"""Reads spool files back, batch by batch, in order."""

from __future__ import annotations

import contextlib
from collections import deque

from modelwatch_sdk.batch import Batch
from modelwatch_sdk.ledger import Ledger
from modelwatch_sdk.segment import Segment


class Replay:
    """A row of sealed segments; a segment is deleted when all of it is answered for."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.segments: deque[Segment] = deque()

    def next(self, rows: int, most_bytes: int) -> Batch | None:
        """Reads the oldest batch that is not answered for; None when there is none left.

        What cannot be read is put aside under another name, counted as far as it is known, and reported.
        """
        while self.segments:
            segment = self.segments[0]
            try:
                batch = segment.read(rows, most_bytes)
                torn = batch is None and segment.leftover and segment.torn()
            except OSError as error:
                self._put_aside(segment, error)
                continue
            if batch is not None:
                return batch
            if torn:
                self._lose(segment, 1, "the last event in it was cut off by a crash")
            self._forget(segment)
            segment.remove()
        return None

    def _put_aside(self, segment: Segment, error: OSError) -> None:
        self._lose(segment, 0, str(error))
        self._forget(segment)
        with contextlib.suppress(OSError):
            segment.path.replace(segment.path.with_suffix(".unreadable"))

    def _forget(self, segment: Segment) -> None:
        if segment.rows:
            self._lose(segment, 0, f"{segment.rows} events are gone from it")
            self._ledger.drop(segment.rows)
        self.segments.popleft()

    def _lose(self, segment: Segment, events: int, why: str) -> None:
        self._ledger.drop(events, entered=False)
        self._ledger.complaints.report("spool", f"spool file {segment.path}: {why}")
