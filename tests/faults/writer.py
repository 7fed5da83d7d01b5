"""A worker in a process of its own: `python -m tests.faults.writer DATABASE FILE` commits deliveries.

The file has a line for each: `[key, [event, …]]`. It says `ready`, and begins when it is told to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from collector.store.database import Database
from collector.store.ledger import Ledger
from tests.collector.collecting import SCHEMAS, commit

if __name__ == "__main__":
    location, file = sys.argv[1], Path(sys.argv[2])
    database = Database(location if "://" in location else Path(location))
    ledger = Ledger(database, SCHEMAS)
    deliveries = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for key, events in deliveries:
        commit(ledger, events, key)
    database.close()
