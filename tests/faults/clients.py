"""HTTP clients that send parcels until each is acknowledged, and some of them twice."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.faults.traffic import Parcel

PATIENCE, TIMEOUT = 300.0, 60.0
PAUSE = 0.05
LATER = (429, 503, 507)
ACKNOWLEDGED = (200, 422)  # 422: all of its rows are bad, and kept


class Clients:
    """Send parcels; what they saw is counted.

    Args:
        urls: of the service's replicas; each attempt goes to one of them.
        seed: of the random choices.
        number: how many clients send at the same time.
    """

    def __init__(self, urls: Sequence[str], seed: int, number: int = 4) -> None:
        self._urls, self._number = urls, number
        self._dice = random.Random(seed)  # noqa: S311 - no secret
        self._lock = threading.Lock()
        self.seen: Counter[str] = Counter()

    def send(
        self, parcels: Sequence[Parcel], wait: Callable[[int], None] = lambda _place: None, again: float = 0.1
    ) -> None:
        """Send every parcel until it is acknowledged, and one in ten once more, later.

        Args:
            parcels: to be sent about in this order.
            wait: holds back the parcel with this place.
            again: the share that is sent once more, under the same key.
        """
        places = itertools.count()
        with ThreadPoolExecutor(self._number) as pool:
            for done in [pool.submit(self._work, parcels, places, wait, again) for _ in range(self._number)]:
                done.result()

    def _work(
        self,
        parcels: Sequence[Parcel],
        places: itertools.count[int],
        wait: Callable[[int], None],
        again: float,
    ) -> None:
        with httpx.Client(timeout=TIMEOUT) as client:
            while True:
                with self._lock:
                    place = next(places)
                if place >= len(parcels):
                    return
                wait(place)
                self._deliver(client, parcels[place])
                if self._dice.random() < again:
                    older = parcels[self._dice.randint(max(0, place - 50), place)]
                    self._deliver(client, older)

    def _deliver(self, client: httpx.Client, parcel: Parcel) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.attempt(client, parcel):
                return
            time.sleep(PAUSE)
        raise TimeoutError(f"{parcel.key} was not acknowledged: {dict(self.seen)}")

    def attempt(self, client: httpx.Client, parcel: Parcel) -> bool:
        """Send a parcel once; whether it was acknowledged."""
        headers = {"Idempotency-Key": parcel.key, "Content-Type": "application/x-ndjson"}
        url = self._dice.choice(self._urls)
        try:
            answer = client.post(f"{url}/v1/events", content=parcel.body, headers=headers)
        except httpx.ConnectError:
            self._count("refused")
            return False
        except httpx.TransportError:
            self._count("cut off")
            return False
        self._count(str(answer.status_code))
        if answer.status_code in LATER:
            assert int(answer.headers["Retry-After"]) > 0
            return False
        assert answer.status_code in ACKNOWLEDGED, answer.text
        if "Idempotent-Replayed" in answer.headers:
            self._count("replayed")
        return True

    def acknowledged(self) -> int:
        """How many attempts were acknowledged."""
        return sum(self.seen[str(status)] for status in ACKNOWLEDGED)

    def _count(self, what: str) -> None:
        with self._lock:
            self.seen[what] += 1
