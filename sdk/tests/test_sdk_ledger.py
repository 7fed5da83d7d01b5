"""flush() does not take the fate of newer events for that of older ones."""

import threading

from modelwatch_sdk.ledger import Ledger
from modelwatch_sdk.report import Complaints


def test_newer_events_that_are_dropped_do_not_end_a_flush() -> None:
    ledger = Ledger(Complaints())
    ledger.entered = 10
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(ledger.wait(5)))
    waiting.start()
    waiting.join(0.05)
    with ledger.lock:
        ledger.entered += 100
    ledger.drop(100)
    waiting.join(0.1)
    assert waiting.is_alive()
    ledger.settle(10, accepted=10)
    waiting.join(5)
    assert results == [True]
    assert ledger.stats()[:6] == (0, 0, 10, 0, 0, 100)


def test_an_older_event_that_is_dropped_does_not_hold_a_flush_up() -> None:
    ledger = Ledger(Complaints())
    ledger.entered = 10
    ledger.drop(1)
    ledger.settle(9, accepted=9)
    assert ledger.wait(0)
