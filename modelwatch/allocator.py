"""Tells the C library to keep the memory that columns are worked on in."""

from __future__ import annotations

import ctypes
import sys

ARENAS, TRIM_THRESHOLD, MMAP_THRESHOLD = -8, -1, -3  # of mallopt(3)
KEPT = 512 * 1024 * 1024
MAPPED = 4 * 1024 * 1024  # larger pieces come from the system, and go back to it


def keep_memory() -> bool:
    """Do not give freed memory back to the system after every batch; returns whether the library listens.

    A batch of columns takes tens of megabytes and gives them back. By default glibc returns them to the
    kernel, which clears them page by page for the next batch: a quarter of the collector's time, and with an
    arena for every thread more memory too. To be called before threads are started.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # such as musl
        return False
    heard = True
    for name, value in ((ARENAS, 1), (TRIM_THRESHOLD, KEPT), (MMAP_THRESHOLD, MAPPED)):
        heard &= mallopt(name, value) == 1
    return heard
