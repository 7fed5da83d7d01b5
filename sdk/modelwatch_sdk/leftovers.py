"""What earlier processes left in the spool."""

from __future__ import annotations

from collections import deque
from pathlib import Path

from modelwatch_sdk.batch import Batch
from modelwatch_sdk.filelock import FileLock
from modelwatch_sdk.ledger import Ledger
from modelwatch_sdk.replay import Replay
from modelwatch_sdk.segment import Segment
from modelwatch_sdk.spool import leave_folder


class Leftovers:
    """Replays, oldest first, the folders whose processes are gone.

    A folder is locked while it is replayed: of several processes that start together only one replays it.
    """

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        self._folder = folder
        self._ledger = ledger
        self._replay = Replay(ledger)
        self._waiting: deque[Path] | None = None
        self._current: tuple[Path, FileLock] | None = None

    def next(self, rows: int, most_bytes: int) -> Batch | None:
        """Reads the oldest batch that is not answered for; None when nothing is left."""
        if self._waiting is None:
            self._waiting = deque(self._find())
        while True:
            batch = self._replay.next(rows, most_bytes)
            if batch is not None:
                return batch
            self.close()
            if not self._waiting:
                return None
            self._adopt(self._waiting.popleft())

    def _find(self) -> list[Path]:
        try:
            return sorted(
                {path.parent for path in self._folder.glob("*/*.ndjson")}
            )  # names begin with the time
        except OSError as error:
            self._ledger.complaints.report("spool", f"spool folder {self._folder}: {error}")
            return []

    def _adopt(self, path: Path) -> None:
        try:
            lock = FileLock.acquire(path / "lock")
        except OSError as error:
            if path.exists():
                self._ledger.complaints.report("spool", f"spool folder {path}: {error}")
            return
        if lock is not None:  # else its process lives, or somebody else replays it
            self._current = path, lock
            self._replay.segments.extend(Segment.found(file) for file in sorted(path.glob("*.ndjson")))

    def close(self) -> None:
        """Lets go of the folder in hand, for another process to go on with."""
        if self._current is not None:
            path, lock = self._current
            self._current = None
            self._replay.segments.clear()
            leave_folder(path, lock)

    def discard(self) -> None:
        """Closes the handles, in a forked child: the folder is the parent's."""
        if self._current is not None:
            self._current[1].release()
