"""Requests: how they ended, ranks of latencies, and profiles from before there were classes."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles import FAILURES, Counts, LatencyGrid, LatencySummary, Profile, Shape, Status

law = settings(max_examples=100, deadline=None)
SHAPE = Shape({"latency": LatencyGrid()})
endings = st.lists(st.none() | st.sampled_from(Status), max_size=40)


def summary(ended: list[Status | None]) -> LatencySummary:
    codes = np.array([np.nan if one is None else float(one) for one in ended], np.float64)
    return LatencyGrid().summarize(None, codes)


@law
@given(ended=endings)
def test_every_failure_is_in_one_class(ended: list[Status | None]) -> None:
    found = summary(ended)
    assert found.requests == sum(one is not None for one in ended)
    assert [found.failed(status) for status in FAILURES] == [ended.count(status) for status in FAILURES]
    assert found.errors == found.classes.total == found.requests - ended.count(Status.OK)


@law
@given(parts=st.lists(endings, max_size=6))
def test_the_sum_of_many_is_the_sum_one_by_one(parts: list[list[Status | None]]) -> None:
    several = [summary(part) for part in parts]
    assert LatencyGrid().added(several) == sum(several, LatencyGrid().zero())


@law
@given(values=st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=60), data=st.data())
def test_a_rank_has_the_bin_of_its_latency(values: list[float], data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, len(values)))
    low, high = LatencyGrid().summarize(np.array(values), None).edges(rank)
    assert low <= sorted(values)[rank - 1] < high


@law
@given(
    values=st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=60),
    level=st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.999]),
)
def test_a_latency_quantile_is_within_half_a_bin_of_numpys(values: list[float], level: float) -> None:
    exact = float(np.quantile(values, level, method="inverted_cdf"))
    found = LatencyGrid().summarize(np.array(values), None).quantile(level)
    assert abs(found - exact) <= exact / 256 * (1 + 1e-12)


def without_classes(profile: Profile) -> bytes:
    """A stored profile as it was before there were classes."""
    blob = profile.to_bytes()
    body = zlib.decompress(blob[1:])
    (length,) = struct.unpack_from("<I", body)
    rows, header = json.loads(body[4 : 4 + length])
    kept = body[4 + length :]
    for array in header["latency"].pop("classes")["counts"]:  # the last field, so its arrays are the last
        name, size = array["array"]
        kept = kept[: len(kept) - np.dtype(name).itemsize * size]
    text = json.dumps([rows, header]).encode()
    return blob[:1] + zlib.compress(struct.pack("<I", len(text)) + text + kept)


def test_a_profile_from_before_classes_has_failures_of_no_class_and_adds() -> None:
    ended = np.array([0.0, 4.0, 5.0])
    new = Profile(3, {"latency": LatencyGrid().summarize(np.array([1.0, 2.0, 3.0]), ended)})
    old = Profile.from_bytes(without_classes(new), SHAPE)
    assert (old.parts["latency"].errors, old.parts["latency"].classes) == (2, Counts())
    both = (old + new).parts["latency"]
    assert (both.requests, both.errors, both.classes.total) == (6, 4, 2)
    assert both.counts == (new + new).parts["latency"].counts


@law
@given(ended=endings, took=st.lists(st.floats(1e-3, 1e6), max_size=20))
def test_one_part_is_read_as_it_is_among_all(ended: list[Status | None], took: list[float]) -> None:
    shape = Shape({"latency": LatencyGrid(), "other": LatencyGrid(), "third": LatencyGrid()})
    other = LatencyGrid().summarize(np.array(took), None)
    whole = Profile(7, {"other": other, "latency": summary(ended), "third": other})
    for name in shape.spaces:
        alone = Profile.from_bytes(whole.to_bytes(), shape, (name,))
        assert alone == Profile(7, {name: whole.parts[name]})
