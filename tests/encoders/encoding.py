"""Small real encoders, as ONNX files, and inputs for them."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

TOPICS = {
    "space": "rocket orbit moon launch satellite engine crew station telescope planet mission star",
    "sport": "match goal team player league coach season ball score win stadium referee",
    "money": "bank loan rate credit market price fund interest tax account stock bond",
    "food": "bread soup salt oven butter onion recipe plate sugar garlic flour pepper",
}
WORDS = {topic: words.split() for topic, words in TOPICS.items()}
GRAMMAR = "the a of and in to for with on is was it that by from at as this"


def texts(rng: np.random.Generator, rows: int, shares: dict[str, float]) -> list[str]:
    """Texts, each mostly of one topic's words."""
    topics = rng.choice(list(shares), rows, p=list(shares.values()))
    return [
        " ".join([*rng.choice(WORDS[str(topic)], int(rng.integers(4, 10))), *rng.choice(GRAMMAR.split(), 5)])
        for topic in topics
    ]


def text_encoder(path: Path, width: int = 6) -> Path:
    """Latent semantic analysis of texts: words to `width` numbers."""
    rng = np.random.default_rng(0)
    corpus = texts(rng, 600, dict.fromkeys(WORDS, 0.25))
    made = make_pipeline(TfidfVectorizer(), TruncatedSVD(width, random_state=0)).fit(corpus)
    path.write_bytes(to_onnx(made, initial_types=[("text", StringTensorType([None, 1]))]).SerializeToString())
    return path


def image_encoder(path: Path, width: int = 8) -> Path:
    """Principal components of pictures of 8 x 8 pixels, from 0 to 1."""
    pictures = load_digits().data / 16
    made = PCA(width, random_state=0).fit(pictures.astype(np.float32))
    path.write_bytes(
        to_onnx(made, initial_types=[("image", FloatTensorType([None, 64]))]).SerializeToString()
    )
    return path


def png(pixels: Any, *, filters: int | None = None) -> bytes:
    """A PNG of pixels, shape (height, width) or (height, width, channels), with one filter for all rows."""
    array = np.asarray(pixels, np.uint8)
    array = array[:, :, None] if array.ndim == 2 else array
    height, width, channels = array.shape
    flat = array.reshape(height, -1).astype(np.int64)
    lines = b"".join(
        bytes([filters or 0]) + _filtered(flat, row, channels, filters or 0) for row in range(height)
    )
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(name, body)
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    )


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _filtered(flat: Any, row: int, step: int, how: int) -> bytes:
    """A row as the specification filters it, from its formulas."""
    width = flat.shape[1]
    found = bytearray()
    for x in range(width):
        a = int(flat[row, x - step]) if x >= step else 0
        b = int(flat[row - 1, x]) if row else 0
        c = int(flat[row - 1, x - step]) if row and x >= step else 0
        nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
        guess = [0, a, b, (a + b) // 2, nearest][how]
        found.append((int(flat[row, x]) - guess) % 256)
    return bytes(found)


def as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()
