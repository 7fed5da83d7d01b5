"""How requests ended: the class of a status, whatever brings it, and that failing is what it always was."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.schema import Schema
from collector.validation.columns import Fault
from collector.validation.status import class_of_word
from collector.validation.typed import Reader
from profiles import Status

SCHEMA = Schema.model_validate({"model": "m", "task": "regression", "features": {"x": "numeric"}})
CLASSES = {
    200: Status.OK,
    302: Status.OK,
    "ok": Status.OK,
    "OK": Status.OK,
    "Success": Status.OK,
    400: Status.CLIENT,
    "404": Status.CLIENT,
    499: Status.CLIENT,
    "INVALID_ARGUMENT": Status.CLIENT,
    "not found": Status.CLIENT,
    429: Status.THROTTLED,
    "Too Many Requests": Status.THROTTLED,
    "RESOURCE_EXHAUSTED": Status.THROTTLED,
    500: Status.SERVER,
    503: Status.SERVER,
    "UNAVAILABLE": Status.SERVER,
    "Internal": Status.SERVER,
    "5xx": Status.SERVER,
    408: Status.TIMEOUT,
    504: Status.TIMEOUT,
    "timeout": Status.TIMEOUT,
    "deadline_exceeded": Status.TIMEOUT,
    "DeadlineExceeded": Status.TIMEOUT,
    0: Status.OTHER,
    -1: Status.OTHER,
    600: Status.OTHER,
    10**12: Status.OTHER,
    "oops": Status.OTHER,
    "": Status.OTHER,
    "created": Status.OTHER,  # a word that is not `ok` has always failed
}
statuses = st.one_of(
    st.none(),
    st.integers(-5, 1000),
    st.integers(-(2**70), 2**70),
    st.sampled_from([str(one) for one in CLASSES]),
    st.text(max_size=8),
)


def read(values: Any) -> list[float | None]:
    faults: list[tuple[str, list[Fault]]] = []
    reader = Reader(SCHEMA, nan_is_missing=True, fault=lambda name, found: faults.append((name, list(found))))
    found = reader.status(values)
    assert found is not None
    assert not any(one for _, one in faults)
    return [None if np.isnan(one) else float(one) for one in found]


@pytest.mark.parametrize(("status", "expected"), CLASSES.items(), ids=repr)
def test_a_status_has_a_class(status: Any, expected: Status) -> None:
    assert read([status]) == read(pa.array([status])) == [expected]
    assert read([status, "x"])[0] == expected  # with a word beside it, numbers take the slow path


def test_every_http_error_has_a_class_by_code_and_by_name() -> None:
    for one in HTTPStatus:
        if one >= 400:
            by_code = read([int(one)])[0]
            assert by_code == class_of_word(one.name) == class_of_word(one.phrase)
            assert by_code not in (Status.OK, Status.OTHER)


def has_failed(status: Any) -> bool:
    """What failing has always been: a code that is not from 100 to 399, or a word that is not `ok`."""
    word = str(status)
    if isinstance(status, int) or (word.isascii() and word.isdigit()):
        return not 100 <= int(word) < 400
    return word.lower() not in {"ok", "success"}


@settings(max_examples=200, deadline=None)
@given(values=st.lists(statuses, max_size=20))
@example(values=[None, 200, "504"])
def test_classes_never_change_what_has_failed(values: list[Any]) -> None:
    wanted = [None if one is None else has_failed(one) for one in values]
    assert [None if one is None else one > Status.OK for one in read(values)] == wanted


@settings(max_examples=100, deadline=None)
@given(codes=st.lists(st.none() | st.integers(-1000, 1000), max_size=20))
def test_columns_of_any_type_are_read_alike(codes: list[int | None]) -> None:
    words = [None if one is None else str(one) for one in codes]
    positive = [one if one is None or one >= 0 else 700 for one in codes]
    expected = read(codes)
    assert read(pa.array(codes, pa.int16())) == expected
    assert read(pa.array(words, pa.string())) == expected
    assert read(words) == expected
    assert read(pa.array(positive, pa.uint64())) == read(positive)
    assert read(pa.array(codes, pa.float64())) == expected
