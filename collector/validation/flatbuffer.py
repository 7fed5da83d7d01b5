"""How large an Arrow IPC stream is once it is decompressed, read off its headers.

Arrow allocates what a compressed buffer claims to hold, so a few bytes could ask for all memory. The layout
is that of Arrow's Message.fbs: https://arrow.apache.org/docs/format/Columnar.html.
"""

from __future__ import annotations

import struct
from typing import Any

import pyarrow as pa

RECORD_BATCH, DICTIONARY_BATCH = 3, 2
HEADER_TYPE, HEADER = 1, 2  # fields of Message
BUFFERS, COMPRESSION = 2, 3  # fields of RecordBatch
DATA = 1  # field of DictionaryBatch
BUFFER_SIZE = 16


class DamagedError(ValueError):
    """The headers lead nowhere."""


def inflated_size(body: Any) -> int:
    """The bytes that all buffers of a stream take up in memory.

    Raises:
        DamagedError: a header cannot be followed.
        pyarrow.ArrowException: it is no stream.
    """
    total = 0
    for message in pa.ipc.MessageReader.open_stream(body):
        try:
            total += _size(memoryview(message.metadata), message.body)
        except (struct.error, IndexError) as error:
            raise DamagedError(f"a message's header is damaged: {error}") from None
    return total


def _size(header: memoryview, body: Any) -> int:
    message = _Table(header, _unsigned(header, 0))
    kind = message.byte(HEADER_TYPE)
    if kind not in (RECORD_BATCH, DICTIONARY_BATCH) or body is None:
        return 0
    batch = message.table(HEADER)
    if kind == DICTIONARY_BATCH:
        batch = batch.table(DATA)
    if not batch.field(COMPRESSION):
        return len(body)
    held = memoryview(body)
    total = 0
    start = batch.pointer(BUFFERS)
    for number in range(_unsigned(header, start)):
        offset, length = struct.unpack_from("<qq", header, start + 4 + number * BUFFER_SIZE)
        if length:
            (claimed,) = struct.unpack_from("<q", held, offset)
            total += max(claimed, length)  # -1: this one was not worth it
    return total


def _unsigned(held: memoryview, at: int) -> int:
    return int(struct.unpack_from("<I", held, at)[0])


class _Table:
    """A flatbuffers table."""

    def __init__(self, held: memoryview, at: int) -> None:
        self._held, self._at = held, at
        self._fields = at - int(struct.unpack_from("<i", held, at)[0])

    def field(self, number: int) -> int:
        """Where a field is; 0 where it is not set."""
        (size,) = struct.unpack_from("<H", self._held, self._fields)
        place = 4 + 2 * number
        if place >= size:
            return 0
        (offset,) = struct.unpack_from("<H", self._held, self._fields + place)
        return self._at + offset if offset else 0

    def byte(self, number: int) -> int:
        at = self.field(number)
        return self._held[at] if at else 0

    def pointer(self, number: int) -> int:
        """What a field points to."""
        at = self.field(number)
        if not at:
            raise DamagedError("a message's header lacks a field")
        return at + _unsigned(self._held, at)

    def table(self, number: int) -> _Table:
        return _Table(self._held, self.pointer(number))
