"""PNG pictures are read to the pixel, whatever filter; what is damaged is a bad value and nothing else."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.encoders.png import MOST_BYTES, SIGNATURE, pixels
from collector.validation.columns import BadValueError
from tests.encoders.encoding import chunk, png

law = settings(max_examples=80, deadline=None)


@law
@given(
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    channels=st.sampled_from([1, 2, 3, 4]),
    how=st.integers(0, 4),
    seed=st.integers(0, 1000),
)
def test_every_filter_and_channel_comes_back(
    height: int, width: int, channels: int, how: int, seed: int
) -> None:
    made = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    found = pixels(png(made, filters=how))
    assert np.array_equal(found, made if channels in (1, 3) else made[:, :, :-1])


def test_a_palette_is_looked_up() -> None:
    table = bytes([255, 0, 0, 0, 255, 0])
    lines = zlib.compress(bytes([0, 1, 0, 0, 0, 1]))
    header = struct.pack(">IIBBBBB", 2, 2, 8, 3, 0, 0, 0)
    made = SIGNATURE + chunk(b"IHDR", header) + chunk(b"PLTE", table) + chunk(b"IDAT", lines)
    red, green = [255, 0, 0], [0, 255, 0]
    assert pixels(made).tolist() == [[green, red], [red, green]]


WHOLE = png(np.arange(64).reshape(8, 8), filters=4)


@law
@given(at=st.integers(0, len(WHOLE) - 1), how=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_means_the_same(at: int, how: int) -> None:
    damaged = WHOLE[:at] + bytes([WHOLE[at] ^ how]) + WHOLE[at + 1 :]
    try:
        assert np.array_equal(pixels(damaged), pixels(WHOLE))
    except BadValueError as bad:
        assert bad.fix  # noqa: PT017 - both ends are right


@law
@given(st.binary(max_size=80))
def test_noise_is_refused(noise: bytes) -> None:
    for body in (noise, SIGNATURE + noise):
        with pytest.raises(BadValueError):
            pixels(body)


def test_a_jpeg_is_named_and_a_bomb_is_not_inflated() -> None:
    with pytest.raises(BadValueError, match="a JPEG"):
        pixels(b"\xff\xd8\xff\xe0" + bytes(20))
    header = struct.pack(">IIBBBBB", 1 << 16, 1 << 16, 8, 0, 0, 0, 0)
    bomb = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    with pytest.raises(BadValueError, match="65536 x 65536"):
        pixels(bomb)
    little = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    swollen = SIGNATURE + chunk(b"IHDR", little) + chunk(b"IDAT", zlib.compress(bytes(MOST_BYTES // 64)))
    with pytest.raises(BadValueError, match="not all there"):
        pixels(swollen)
