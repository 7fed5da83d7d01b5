"""The lines of text files, compressed or not, in pieces of bounded size."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from collector.sources.piece import readable
from collector.validation.record import FileError

BYTES_AT_ONCE = 4 * 1024 * 1024
LONGEST_LINE = 32 * 1024 * 1024


def open_text(path: Path) -> BinaryIO:
    """Open a file of text; one that ends in `.gz` is inflated.

    Raises:
        FileError: it cannot be opened.
    """
    with readable(path):
        file: BinaryIO = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[assignment]  # noqa: SIM115 - the caller closes it
    return file


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file.

    Raises:
        FileError: it cannot be read.
    """
    with open_text(path) as file:
        while True:
            try:
                with readable(path):
                    block = file.read(BYTES_AT_ONCE)
            except zlib.error as error:
                raise FileError(f"{path}: cannot be inflated: {error}") from None
            if not block:
                return
            yield block


def lines(path: Path) -> Iterator[list[bytes]]:
    """The lines of a file that are not blank, some at a time.

    Raises:
        FileError: it cannot be read, or a line of it is too long.
    """
    rest = b""
    for block in blocks(path):
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise FileError(f"{path}: a line has over {LONGEST_LINE} bytes; write one row a line")
        kept = [line for line in whole if line.strip()]
        if kept:
            yield kept
    if rest.strip():
        yield [rest]


def line_count(path: Path) -> int:
    """How many line ends a file has.

    Raises:
        FileError: it cannot be read.
    """
    return sum(block.count(b"\n") for block in blocks(path))
