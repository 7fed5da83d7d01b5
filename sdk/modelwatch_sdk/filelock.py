"""A lock that goes away with its process, however that ends."""

from __future__ import annotations

import sys
from io import FileIO
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(file: FileIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: FileIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """An exclusive lock on a file, which the operating system releases when the process dies.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = FileLock.acquire(pathlib.Path(folder, "lock"))
    ...     again = FileLock.acquire(pathlib.Path(folder, "lock"))
    ...     lock.release()
    >>> again is None
    True
    """

    def __init__(self, file: FileIO) -> None:
        self._file = file

    @classmethod
    def acquire(cls, path: Path) -> FileLock | None:
        """Takes the lock, without waiting.

        Returns:
            None when somebody else has it.

        Raises:
            OSError: The file cannot be made, for example because its folder is gone.
        """
        file = FileIO(path, "a")
        try:
            _lock(file)
        except OSError:
            file.close()
            return None
        return cls(file)

    def release(self) -> None:
        """Lets go. In a forked child this closes the child's handle only: the parent keeps the lock."""
        self._file.close()
