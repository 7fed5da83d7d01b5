"""PNG to pixels: 8 bits a channel, grey, RGB, palette, each with or without alpha; not interlaced.

The format is that of the W3C's Portable Network Graphics specification, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from collector.validation.columns import BadValueError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
PALETTE = 3
MOST_BYTES = 1 << 26  # of pixels: a small file may claim to be a huge picture
HEADER = 13
DEPTH = 8
FIX = "send a PNG with 8 bits a channel that is not interlaced"

Pixels = npt.NDArray[np.uint8]


def pixels(data: bytes) -> Pixels:
    """The picture, shape (height, width, channels); without alpha, which is 1 or 3 channels.

    Raises:
        BadValueError: it is no such PNG, or a damaged one.
    """
    if not data.startswith(SIGNATURE):
        kind = "a JPEG" if data.startswith(b"\xff\xd8") else "something else"
        raise BadValueError(f"expected a PNG, got {kind}", "send base64 of a PNG, or nested numbers")
    chunks: dict[bytes, bytes] = {}
    for name, body in _chunks(data):
        chunks[name] = chunks.get(name, b"") + body
    header = chunks.get(b"IHDR", b"")
    if len(header) != HEADER:
        raise BadValueError("the PNG is damaged: it has no header", FIX)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if depth != DEPTH or interlaced or colour not in CHANNELS:
        raise BadValueError("a PNG of a kind that is not read", FIX)
    size = height * (width * CHANNELS[colour] + 1)
    if not 0 < size <= MOST_BYTES:
        raise BadValueError(f"the PNG is {width} x {height} pixels", "send a smaller one")
    found = _unfiltered(_inflated(chunks.get(b"IDAT", b""), size), (height, width, CHANNELS[colour]))
    if colour == PALETTE:
        table = np.frombuffer(chunks.get(b"PLTE", b""), np.uint8)
        if table.size % 3 or int(found.max()) >= table.size // 3:
            raise BadValueError("the PNG is damaged: its palette lacks colours", FIX)
        return table.reshape(-1, 3)[found[:, :, 0]]
    return found if found.shape[2] in (1, 3) else found[:, :, :-1]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        check = data[at + 8 + length : at + 12 + length]
        if len(check) < 4 or struct.unpack(">I", check)[0] != zlib.crc32(name + body):  # noqa: PLR2004 - bytes
            raise BadValueError("the PNG is damaged: a checksum is wrong", FIX)
        yield name, body
        at += 12 + length


def _inflated(body: bytes, size: int) -> Pixels:
    try:
        found = zlib.decompressobj().decompress(body, size + 1)
    except zlib.error:
        found = b""
    if len(found) != size:
        raise BadValueError("the PNG is damaged: its pixels are not all there", FIX)
    return np.frombuffer(found, np.uint8)


def _unfiltered(raw: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Undo what makes rows compress better: each byte is a difference from what is predicted."""
    height, width, step = shape
    lines = raw.reshape(height, width * step + 1)
    found = np.zeros((height, width * step), np.uint8)
    above = np.zeros(width * step, np.uint8)
    for row, line in enumerate(lines):
        how, values = int(line[0]), line[1:]
        if how == 0:
            found[row] = values
        elif how == 1:
            found[row] = np.cumsum(values.reshape(width, step), axis=0, dtype=np.uint8).ravel()
        elif how == 2:  # noqa: PLR2004 - the numbers of the specification
            found[row] = values + above
        elif how in (3, 4):
            predict = _average if how == 3 else _paeth  # noqa: PLR2004 - as above
            found[row] = _predicted(values.tobytes(), above.tobytes(), step, predict)
        else:
            raise BadValueError("the PNG is damaged: an unknown filter", FIX)
        above = found[row]
    return found.reshape(shape)


def _predicted(values: bytes, above: bytes, step: int, predict: Callable[[int, int, int], int]) -> Pixels:
    """Filters that predict a byte from those to the left, above, and above that."""
    here, before = bytearray(step) + bytearray(len(values)), bytes(step) + above
    for place, value in enumerate(values):
        guess = predict(here[place], before[place + step], before[place])
        here[place + step] = (value + guess) & 0xFF
    return np.frombuffer(bytes(here[step:]), np.uint8)


def _average(left: int, up: int, _corner: int) -> int:
    return (left + up) // 2


def _paeth(left: int, up: int, corner: int) -> int:
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner
