"""Compressed bodies, inflated within bounds."""

from __future__ import annotations

import gzip
import io
import zlib

import zstandard

ENCODINGS = ("gzip", "zstd")
WINDOW = 8 * 1024 * 1024  # bytes that a zstd stream may refer back to: RFC 9659's bound for the web


class EncodingError(ValueError):
    """A body is not what its Content-Encoding says."""


class TooLargeError(ValueError):
    """A body inflates to more than is allowed."""


def inflated(body: bytes, encoding: str, largest: int) -> bytes:
    """The body as it was before it was compressed.

    Args:
        body: the compressed body, whole.
        encoding: one of `ENCODINGS`.
        largest: how many bytes it may inflate to.

    Raises:
        EncodingError: it cannot be inflated.
        TooLargeError: it inflates to more.

    >>> inflated(gzip.compress(b"[]"), "gzip", 10)
    b'[]'
    """
    try:
        if encoding == "gzip":
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as reader:
                found = reader.read(largest + 1)
        else:
            inflater = zstandard.ZstdDecompressor(max_window_size=WINDOW)
            with inflater.stream_reader(body, read_across_frames=True) as stream:
                found = stream.read(largest + 1)
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise EncodingError(f"it is not {encoding}: {error}") from None
    if len(found) > largest:
        raise TooLargeError(f"it inflates to over {largest} bytes")
    return found
