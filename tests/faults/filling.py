"""Disks that are full: a small one of its own, or a limit on the size of a process's files."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SIZE = 48 << 20
BLOCK = 4096


def may_mount() -> bool:
    """Whether this process may mount a file system."""
    return os.geteuid() == 0 and shutil.which("mount") is not None


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 48 MB on a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = [str(shutil.which("mount")), "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        yield
    finally:
        subprocess.run([str(shutil.which("umount")), "-l", str(folder)], check=True)


@contextlib.contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Fill the disk to the last block; empty it again at the end."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(BLOCK))
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def limited(process: int, path: Path) -> Iterator[None]:
    """Let a process write no file beyond the size that one has now."""
    free = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (path.stat().st_size, free[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, free)


Filling = Callable[[], contextlib.AbstractContextManager[None]]
