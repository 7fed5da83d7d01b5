"""Room for a body of known length."""

from __future__ import annotations

import mmap

LARGE = 1 << 20


class Room:
    """Takes in a body piece by piece, in one place, so that it is never there twice.

    A large one has pages of its own: they take up memory as they are written to, whatever length was
    announced, and go back to the system with the body, so that memory does not depend on chance.

    Args:
        length: in bytes, as announced; None where it was not.
    """

    def __init__(self, length: int | None) -> None:
        self._size = 0
        large = length is not None and length >= LARGE
        self._pages = mmap.mmap(-1, length) if large and length is not None else None
        self._heap = bytearray()

    def add(self, piece: bytes) -> None:
        """Take in the next piece; all of them are no longer than was announced."""
        if self._pages is None:
            self._heap += piece
        else:
            self._pages[self._size : self._size + len(piece)] = piece
        self._size += len(piece)

    def view(self) -> memoryview:
        """What was taken in."""
        held = memoryview(self._heap if self._pages is None else self._pages)
        return held[: self._size].toreadonly()
