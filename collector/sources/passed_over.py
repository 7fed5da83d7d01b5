"""Tells about rows of files that were rejected."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from collector.batch import Batch, Rejection
from collector.validation.record import FileError

log = logging.getLogger(__name__)


@dataclass
class PassedOver:
    """Counts the rows of a file that were rejected, and keeps the first to say why."""

    path: Path
    rows: int = 0
    rejected: int = 0
    first: Rejection | None = None

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        self.rows += batch.total
        self.rejected += len(batch.rejections)
        self.first = self.first or next(iter(batch.rejections), None)

    def tell(self) -> None:
        """Say that there are some.

        Raises:
            FileError: all of them are.
        """
        if self.first is None:
            return
        first = self.first
        why = f"row {first.row}, {first.field}: {first.value!r}: {first.reason}; {first.fix}"
        if self.rejected == self.rows:
            raise FileError(f"{self.path}: none of its {self.rows} rows can be read: the first is {why}")
        log.warning("%s: %d of %d rows passed over, the first: %s", self.path, self.rejected, self.rows, why)
