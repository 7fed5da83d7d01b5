"""The spool: what does not fit into the queue during an outage, on disk.

<spool>/model=<name>/<time>-<producer>/lock              held for as long as the process lives
                                       000000-<key>.ndjson   in flight when the process closed
                                       000001.ndjson     in the queue when the process closed
                                       010000.ndjson ... overflow, oldest first
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from modelwatch_sdk.batch import Batch
from modelwatch_sdk.filelock import FileLock
from modelwatch_sdk.ledger import Ledger
from modelwatch_sdk.replay import Replay
from modelwatch_sdk.segment import SegmentWriter

_SEGMENT_BYTES = 8 << 20
_FIRST_OVERFLOW = 10_000  # what memory still holds at close() is older, and gets smaller numbers


def model_folder(spool: Path, model: str) -> Path:
    """Where the spool keeps a model's events.

    >>> model_folder(Path("/var/spool"), "a/b").name
    'model=a%2Fb'
    """
    return spool / f"model={urllib.parse.quote(model, safe='')}"


class Spool:
    """One process's folder in the spool. It is made only when it is needed."""

    def __init__(self, root: Path, model: str, producer: str, limit: int, ledger: Ledger) -> None:
        self.lock = threading.RLock()
        """Held while the disk works; log() never takes it."""
        self._root = root
        self._path = model_folder(root, model) / f"{time.time_ns():020d}-{producer}"
        self._limit = limit
        self._ledger = ledger
        self._replay = Replay(ledger)
        self._writer: SegmentWriter | None = None
        self._folder_lock: FileLock | None = None
        self._numbers = itertools.count(_FIRST_OVERFLOW)

    def append(self, lines: Sequence[bytes]) -> int:
        """Appends lines within the limit.

        Returns:
            How many there was room for; the rest, the newest, is not in the spool.

        Raises:
            OSError: The disk is full or failing; none of the lines is in the spool.
        """
        with self.lock:
            fitting = self._fitting(lines)
            if not fitting:
                return 0
            if self._writer is None:
                self._writer = self._create(f"{next(self._numbers):06d}.ndjson")
            self._writer.append(lines[:fitting])
            if self._writer.size >= _SEGMENT_BYTES:
                self._seal()
            return fitting

    def _fitting(self, lines: Sequence[bytes]) -> int:
        # Asking the disk costs less than serialising, and sees what other processes write and free.
        used = 0
        for path in self._root.glob("*/*/*.ndjson"):
            with contextlib.suppress(OSError):  # somebody replayed it just now
                used += path.stat().st_size
        ends = itertools.accumulate(map(len, lines), initial=used)
        return max(sum(end <= self._limit for end in ends) - 1, 0)

    def _create(self, name: str) -> SegmentWriter:
        if self._folder_lock is None:
            self._path.mkdir(parents=True, exist_ok=True)
            self._folder_lock = FileLock.acquire(self._path / "lock")
        return SegmentWriter(self._path / name)

    def _seal(self) -> None:
        if self._writer is None:
            return
        try:
            self._writer.sync()
        except OSError as error:
            self._ledger.complaints.report("spool", f"spool file {self._writer.path} is not durable: {error}")
        self._replay.segments.append(self._writer.seal())
        self._writer = None

    def next(self, rows: int, most_bytes: int) -> Batch | None:
        """Reads the oldest batch that is not answered for; None when the spool is empty."""
        with self.lock:
            batch = self._replay.next(rows, most_bytes)
            if batch is None:
                # Only a sealed file is replayed: the batch at an offset must be the same after a crash.
                self._seal()
                batch = self._replay.next(rows, most_bytes)
            return batch

    def keep(self, batches: Sequence[Batch], lines: Sequence[bytes]) -> int:
        """Writes what memory still holds in front of the overflow, for the next process.

        Args:
            batches: Batches that may have been sent; they keep their keys.
            lines: What was in the queue.

        Returns:
            How many events there was room for. A failing disk is reported, and ends it.
        """
        files = [(f"{number:06d}-{batch.key}.ndjson", batch.lines) for number, batch in enumerate(batches)]
        kept = 0
        with self.lock:
            try:
                for name, content in [*files, (f"{len(files):06d}.ndjson", lines)]:
                    kept += self._keep(name, content[: self._fitting(content)])
            except OSError as error:
                self._ledger.complaints.report("spool", f"spool folder {self._path}: {error}")
        return kept

    def _keep(self, name: str, lines: Sequence[bytes]) -> int:
        if lines:
            writer = self._create(name)
            try:
                writer.append(lines)
                writer.sync()
            finally:
                writer.seal()
        return len(lines)

    def close(self) -> None:
        """Seals the files and lets the next process have them; an empty folder goes away."""
        with self.lock:
            self._seal()
            if self._folder_lock is not None:
                leave_folder(self._path, self._folder_lock)
                self._folder_lock = None

    def discard(self) -> None:
        """Closes the handles, in a forked child: the files are the parent's."""
        if self._writer is not None:
            self._writer.discard()
        if self._folder_lock is not None:
            self._folder_lock.release()


def leave_folder(path: Path, lock: FileLock) -> None:
    """Releases a process's folder, and removes it if nothing is left in it."""
    with contextlib.suppress(OSError):
        if not any(path.glob("*.ndjson")):
            for rest in path.iterdir():
                if rest.suffix != ".unreadable":
                    rest.unlink()
            path.rmdir()
    lock.release()
