"""A process that drains a log, to be killed: `python -m tests.log.drainer DATABASE FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from collector.log import drain as module
from collector.log.drain import drain
from collector.store.database import Database

FEW = 60  # rows of a claim, so that there are many


def main(where: str, folder: Path) -> None:
    """Drain everything, then say so."""
    module.MOST_ROWS = FEW
    database = Database(where if "://" in where else Path(where))
    sys.stdout.write("draining\n")
    sys.stdout.flush()
    drain(database, folder, everything=True)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
