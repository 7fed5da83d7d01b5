"""The blocks of the label join: merging keeps every row, retention drops the old, bytes come back."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from collector.batch import Coded
from collector.labels.blocks import FAN, Block, Blocks, merged


def block(ids: list[int], time: int = 0, word: str = "g") -> Block:
    """A block whose columns follow from its ids."""
    held = np.array(ids, np.uint64)
    columns = {
        "time": np.full(len(ids), time, np.int64),
        "label": held.astype(np.float64) / 2,
        "group": Coded(np.array([one % 3 - 1 for one in ids], np.int64), (word, "other")),
    }
    return Block.of(held, columns)


def words(one: Block) -> dict[int, str | None]:
    """The group of each id by name."""
    names = (*one.names, None)
    return {int(i): names[code] for i, code in zip(one.ids, one.columns["group"], strict=True)}


@given(st.lists(st.sets(st.integers(0, 10_000), max_size=20), max_size=80))
def test_every_row_is_found_whatever_was_merged(batches: list[set[int]]) -> None:
    blocks, seen = Blocks(), set[int]()
    for number, batch in enumerate(batches):
        fresh = sorted(batch - seen, reverse=True)
        seen |= batch
        blocks = blocks.add(block(fresh, word=f"w{number % 5}"), 0)
    every = np.array(sorted(seen), np.uint64)
    assert blocks.contains(every).all()
    assert not blocks.contains(np.array([20_000, 1 << 63], np.uint64)).any()
    found: dict[int, str | None] = {}
    for one, place, hit in blocks.matches(every):
        assert (one.ids[place] == every[hit]).all()
        assert (one.columns["label"][place] == every[hit] / 2).all()
        found |= words(one)
    assert found.keys() == seen
    assert all((found[one] is None) is (one % 3 == 0) for one in seen)
    assert all(found[one] == "other" for one in seen if one % 3 == 2)
    levels = [item.block.level for item in blocks.stored]
    assert max(map(levels.count, levels), default=0) < FAN


def test_a_row_is_rewritten_a_logarithmic_number_of_times() -> None:
    blocks = Blocks()
    for number in range(1000):
        blocks = blocks.add(block([number]), 0)
    assert len(blocks.stored) <= 4 * FAN
    assert max(item.block.level for item in blocks.stored) == 3


def test_what_is_wholly_too_old_is_dropped() -> None:
    blocks = Blocks().add(block([1], time=10), 0).add(block([2], time=20), 0)
    blocks = blocks.add(block([3], time=100), oldest=15)
    assert blocks.contains(np.array([1, 2, 3], np.uint64)).tolist() == [False, True, True]


def test_merging_keeps_the_first_of_equal_ids_and_the_newest_time() -> None:
    whole = merged([block([5, 1], time=3, word="a"), block([5, 7], time=9, word="b")])
    assert whole.ids.tolist() == [1, 5, 7]
    assert (whole.newest, whole.level) == (9, 1)
    assert words(whole) == {1: "a", 5: "other", 7: "b"}


@given(st.sets(st.integers(0, 1 << 62), max_size=50))
def test_bytes_come_back_to_the_bit(ids: set[int]) -> None:
    one = block(list(ids), time=7)
    again = Block.from_bytes(one.to_bytes(), one.newest, one.level)
    assert (again.ids == one.ids).all()
    assert again.names == one.names
    assert again.columns.keys() == one.columns.keys()
    for name, column in one.columns.items():
        assert again.columns[name].dtype == column.dtype
        assert (again.columns[name] == column).all()


def test_an_empty_block_is_searched() -> None:
    assert block([]).find(np.array([1], np.uint64)).tolist() == [-1]
    assert Block.from_bytes(block([]).to_bytes(), 0, 0).ids.size == 0
