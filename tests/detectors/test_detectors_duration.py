"""Durations and shares: what people write, and what they read when they wrote something else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import parse_duration, show_duration
from detectors.duration import parse_share


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("90s", 90),
        ("15m", 900),
        ("1h", 3600),
        ("1.5h", 5400),
        ("30d", 2592000),
        (" 2 w ", 1209600),
    ],
)
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@given(st.timedeltas(timedelta(microseconds=1), timedelta(days=300_000)))
def test_a_duration_is_read_as_it_was_shown(value: timedelta) -> None:
    assert abs(parse_duration(show_duration(value)) - value) <= value * 1e-15


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(weeks=2), "2w"),
        (timedelta(days=30), "30d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "90m"),
        (timedelta(seconds=1234567), "1234567s"),
        (timedelta(milliseconds=1500), "1500ms"),
        (timedelta(microseconds=1), "0.001ms"),
    ],
)
def test_durations_are_shown_in_the_largest_unit_that_is_exact(value: timedelta, text: str) -> None:
    assert show_duration(value) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "5",
        "h",
        "-1h",
        "0s",
        "1 fortnight",
        "1h30m",
        "1e9999d",
        "9" * 400 + "w",
        "99999999w",
        5,
        None,
        timedelta(0),
    ],
)
def test_what_is_no_duration_is_named_with_the_fix(value: Any) -> None:
    with pytest.raises(
        ValueError, match=r"is not a duration; write a number and|too large; write a duration"
    ) as caught:
        parse_duration(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("value", "share"), [("99.9%", 0.999), ("0%", 0), ("100 %", 1), (0.5, 0.5), (1, 1), (0, 0)]
)
def test_shares_as_people_write_them(value: Any, share: float) -> None:
    assert parse_share(value) == share


@pytest.mark.parametrize("value", ["99.9", "150%", "-1%", 99.9, -0.1, float("nan"), True, None, "half"])
def test_what_is_no_share_is_named_with_the_fix(value: Any) -> None:
    with pytest.raises(ValueError, match="is not a share; write a percentage") as caught:
        parse_share(value)
    assert repr(value) in str(caught.value)
