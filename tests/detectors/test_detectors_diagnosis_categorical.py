"""Explanations of changed categories."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.diagnosis import Finding, Kind, categorical
from detectors.diagnosis.rewriting import plain
from profiles import CategoricalSummary, Vocabulary

Words = npt.NDArray[np.object_]
Rng = np.random.Generator
NAMES = ("red", "blue", "green", "New York", "1", "true")
SHARES = (0.4, 0.25, 0.15, 0.1, 0.07, 0.03)
REFERENCE = 20_000
ROWS = (400, 1000, 10_000)


def drawn(rng: Rng, rows: int, shares: Sequence[float] = SHARES) -> Words:
    return np.asarray(rng.choice(NAMES, rows, p=shares), object)


def written(names: Mapping[str, str]) -> Callable[[Rng, Words], Words]:
    return lambda _, words: np.array([names.get(word, word) for word in words], object)


def mixed_in(share: float, *names: str) -> Callable[[Rng, Words], Words]:
    return lambda rng, words: np.where(rng.random(words.size) < share, rng.choice(names, words.size), words)


def every(function: Callable[[str], str]) -> Callable[[Rng, Words], Words]:
    return lambda _, words: np.array([function(word) for word in words], object)


EVENTS: Mapping[str, tuple[Kind | None, Callable[[Rng, Words], Words]]] = {
    "nothing": (None, lambda _, words: words),
    "upper case": (Kind.REWRITTEN, every(str.upper)),
    "one re-cased": (Kind.REWRITTEN, written({"red": "Red"})),
    "padded": (Kind.REWRITTEN, every(lambda word: f" {word}")),
    "joined": (Kind.REWRITTEN, written({"New York": "new_york"})),
    "a float": (Kind.REWRITTEN, written({"1": "1.0"})),
    "renamed": (Kind.RENAMED, written({"green": "vert"})),
    "two renamed": (Kind.RENAMED, written({"green": "vert", "blue": "bleu"})),
    "exchanged": (Kind.RENAMED, written({"red": "green", "green": "red"})),
    "a new one": (Kind.NEW, mixed_in(0.06, "mauve")),
    "three new ones": (Kind.NEW, mixed_in(0.12, "mauve", "ochre", "teal")),
    "one is gone": (Kind.VANISHED, lambda _, words: words[words != "blue"]),
    "a default": (Kind.DEFAULT, mixed_in(0.3, "green")),
    "unknown": (Kind.DEFAULT, mixed_in(0.3, "unknown")),
    "constant": (Kind.CONSTANT, every(lambda _: "red")),
    "missing": (
        Kind.MISSING,
        lambda rng, words: np.array([None if rng.random() < 0.2 else word for word in words], object),
    ),
    "shares": (Kind.SHARES, lambda rng, words: drawn(rng, words.size, (0.2, 0.3, 0.1, 0.2, 0.1, 0.1))),
}


def counted(space: Vocabulary, words: Words) -> CategoricalSummary:
    names = sorted({word for word in words if word is not None})
    places = {word: place for place, word in enumerate(names)}
    return space.summarize(np.array([places.get(word, -1) for word in words]), names)


def explained(reference: Words, window: Words) -> list[Finding]:
    space = Vocabulary.fit([*reference])
    return categorical(counted(space, reference), counted(space, window))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_called_what_it_is(event: str, rows: int) -> None:
    kind, happen = EVENTS[event]
    named = []
    for seed in range(10):
        rng = np.random.default_rng([seed, rows])
        found = explained(drawn(rng, REFERENCE), happen(rng, drawn(rng, rows)))
        named.append(found[0].kind if found else None)
    assert named.count(kind) >= 9, named


def best(event: str) -> str:
    rng = np.random.default_rng(1)
    return explained(drawn(rng, REFERENCE), EVENTS[event][1](rng, drawn(rng, 5000)))[0].text


def test_the_words_are_named() -> None:
    assert "'red' -> 'Red'" in best("one re-cased")
    assert "'1' -> '1.0'" in best("a float")
    assert "'blue' -> 'bleu', 'green' -> 'vert'" in best("two renamed")
    assert "'mauve'" in best("a new one")
    assert best("one is gone") == "'blue' 25 % -> 0 %"
    assert best("constant") == "every value is 'red' (before 40 %)"
    assert best("unknown").startswith("'unknown' took ")


@given(st.text(max_size=12))
@settings(deadline=None)
def test_ways_to_write_a_word_are_one(word: str) -> None:
    assert plain(f" {word} ") == plain(word)
    assert plain(plain(word)) in (plain(word), plain(plain(plain(word))))


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.floats(0.2, 3))
@settings(max_examples=40, deadline=None)
def test_any_vocabulary_that_is_healthy_is_given_no_cause(seed: int, size: int, uneven: float) -> None:
    rng = np.random.default_rng(seed)
    names = np.array([f"category {place}" for place in range(size)], object)
    shares = rng.dirichlet(np.full(size, uneven))
    reference, window = rng.choice(names, REFERENCE, p=shares), rng.choice(names, 3000, p=shares)
    assert [one for one in explained(reference, window) if one.strength > 0.5] == []


@given(st.integers(0, 2**32 - 1), st.integers(4, 40))
@settings(max_examples=40, deadline=None)
def test_any_category_that_is_renamed_is_told(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    names = np.array([f"category {place}" for place in range(size)], object)
    shares = rng.dirichlet(np.full(size, 5.0))
    reference, window = rng.choice(names, REFERENCE, p=shares), rng.choice(names, 5000, p=shares)
    old = names[int(np.argmax(shares))]
    window[window == old] = "something else"
    found = explained(reference, window)[0]
    assert found.kind is Kind.RENAMED
    assert found.text.startswith(f"'{old}' -> 'something else'")


def test_hours_that_are_categories_are_turned() -> None:
    rng = np.random.default_rng(3)
    shares = 1 + np.sin(np.arange(24) / 24 * 2 * np.pi) * 0.8
    hours = rng.choice(24, REFERENCE + 3000, p=shares / shares.sum())
    words = np.array([f"{hour:02d}" for hour in hours], object)
    turned = np.array([f"{(hour + 22) % 24:02d}" for hour in hours[REFERENCE:]], object)
    assert str(explained(words[:REFERENCE], turned)[0]).startswith(
        "time-zone shift: hours of the day turned by -2 h"
    )


def test_nothing_can_be_said_without_values() -> None:
    space = Vocabulary(("a", "b"))
    some = counted(space, np.array(["a", "b"] * 100, object))
    assert categorical(space.zero(), some) == categorical(some, space.zero()) == []
