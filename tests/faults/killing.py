"""kill -9 at random moments, and how much is sent meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

PATIENCE = 300.0
EARLY, STARTING = 0.25, 2.0
WORKING, LONGEST, STEP = 0.7, 10.0, 1.5


class Killable(Protocol):
    """A process that may be killed and started again."""

    def kill(self) -> None:
        """End it as the power does, and wait until it is gone."""

    def restart(self) -> None:
        """Start it again; it need not answer yet."""

    def wait(self) -> None:
        """Wait until it is at work."""


class Pace:
    """Lets the sender send only so much that there is still something to send after the last kill.

    Args:
        kills: how many there will be.
        total: how much there is to send.
    """

    def __init__(self, kills: int, total: int) -> None:
        self._kills, self._total = kills, total
        self._done = 0
        self._moved = threading.Condition()

    @property
    def done(self) -> int:
        """How many kills there were."""
        return self._done

    def killed(self) -> None:
        """There was one more."""
        with self._moved:
            self._done += 1
            self._moved.notify_all()

    def release(self) -> None:
        """There will be no more."""
        with self._moved:
            self._done = self._kills
            self._moved.notify_all()

    def wait(self, place: int) -> None:
        """Wait until what has this place may be sent."""
        with self._moved:
            due = self._moved.wait_for(
                lambda: place * (self._kills + 1) < (self._done + 1) * self._total, PATIENCE
            )
        if not due:
            raise TimeoutError(f"no kill came for {PATIENCE} s")


def kill_at_random(
    targets: Sequence[Killable],
    kills: int,
    seed: int,
    pace: Pace,
    progress: Callable[[], int],
    between: Callable[[int], None] = lambda _number: None,
) -> None:
    """Kill one of the processes at a time: some while they start, the others while they work.

    Args:
        targets: run already.
        kills: how many times.
        seed: of the random moments.
        pace: is told of every kill.
        progress: how much has been done. While kills come too soon for any, on a busy machine, they come
            later.
        between: is called after every kill, with how many there were.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret
    longest, before = WORKING, progress()
    try:
        for number in range(1, kills + 1):
            target = dice.choice(targets)
            if dice.random() < EARLY:
                time.sleep(dice.uniform(0, STARTING))
            else:
                target.wait()
                time.sleep(dice.uniform(0, longest))
            target.kill()
            now = progress()
            longest = max(WORKING, longest / STEP) if now > before else min(LONGEST, longest * STEP)
            before = now
            target.restart()
            pace.killed()
            between(number)
    finally:
        pace.release()
