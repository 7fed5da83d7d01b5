"""An encoder in onnxruntime: one thread, no network, and batches of the size that the model wants."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from collector.encoders.encoder import Encoder, EncoderError
from collector.encoders.locales import with_plain_locale
from profiles.counts import Floats

BATCH = 64  # rows at a time, where the model leaves it open
WIDEST = 8192  # numbers of a vector
PROBE = 32  # pixels, where the model leaves the size of an image open
CHANNELS = (1, 3)
KINDS = {
    "tensor(string)": np.dtype(object),
    "tensor(float)": np.dtype(np.float32),
    "tensor(double)": np.dtype(np.float64),
    "tensor(float16)": np.dtype(np.float16),
    "tensor(uint8)": np.dtype(np.uint8),
}
FAILURES = (RuntimeError, ValueError, TypeError)  # what onnxruntime raises, by way of pybind11


class Session:
    """A loaded encoder.

    Attributes:
        kind: the numpy type of its input.
        shape: of one input, without the batch; None for a size that is left open.
        width: how many numbers a vector has.

    Raises:
        EncoderError: the file is no ONNX model, or none that makes a vector of such an input.
    """

    def __init__(self, path: Path, sort: str) -> None:
        self._path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what is wrong with a row is told with the row
        try:
            self._session = _opened(path.read_bytes(), options)
        except OSError as error:
            raise EncoderError(f"{path}: cannot be read: {error.strerror}; put the encoder there") from None
        except Exception as error:  # noqa: BLE001 - onnxruntime's own have no base of their own
            raise EncoderError(f"{path}: not an ONNX model: {str(error)[:300]}") from None
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            names = [one.name for one in inputs]
            raise EncoderError(f"{path}: it has the inputs {names}; export it with one, a {sort}")
        self._name, kind = inputs[0].name, KINDS.get(inputs[0].type)
        if kind is None or (kind.kind == "O") is not (sort == "text"):
            wanted = "tensor(string)" if sort == "text" else "tensor(float) or tensor(uint8)"
            raise EncoderError(f"{path}: its input is {inputs[0].type}; a {sort} needs {wanted}")
        self.kind: np.dtype[Any] = kind
        first, *rest = inputs[0].shape or [None]
        self._batch = first if isinstance(first, int) and first > 0 else None
        self.shape = tuple(size if isinstance(size, int) and size > 0 else None for size in rest)
        self.width = self._probed()

    def _probed(self) -> int:
        text = self.kind.kind == "O"
        sizes = [size or 1 for size in self.shape] if text else self._open(self.shape)
        try:
            width = int(self.vectors(np.full((1, *sizes), "" if text else 0, self.kind)).shape[1])
        except FAILURES as error:
            raise EncoderError(f"{self._path}: it cannot encode an empty input: {str(error)[:300]}") from None
        if width > WIDEST:
            raise EncoderError(
                f"{self._path}: its vectors have {width} numbers; at most {WIDEST} are watched"
            )
        return width

    @staticmethod
    def _open(shape: tuple[int | None, ...]) -> tuple[int, ...]:
        channels = next((place for place in (0, -1) if shape and shape[place] in CHANNELS), None)
        sizes = [size or PROBE for size in shape]
        if channels is None and len(shape) > 2:  # noqa: PLR2004 - height, width and channels
            sizes[0] = CHANNELS[-1]
        return tuple(sizes)

    def vectors(self, inputs: Any) -> Floats:
        """The vectors of inputs of one shape, shape (n, width).

        Raises:
            RuntimeError, ValueError, TypeError: the encoder fails on one of them.
        """
        size, found = self._batch or BATCH, []
        for start in range(0, len(inputs), size):
            part = inputs[start : start + size]
            lacking = self._batch - len(part) if self._batch else 0
            fed = np.concatenate([part, np.repeat(part[-1:], lacking, axis=0)]) if lacking else part
            found.append(self._run(fed)[: len(part)])
        return np.concatenate(found)

    def _run(self, fed: Any) -> Floats:
        try:
            outputs = self._session.run(None, {self._name: fed})
        except Exception as error:
            raise RuntimeError(str(error)) from error
        for output in outputs:
            if isinstance(output, np.ndarray) and output.dtype.kind == "f" and len(output) == len(fed):
                return output.reshape(len(fed), -1).astype(np.float64)
        raise ValueError("it has no output with a row of numbers for every input")


def _opened(model: bytes, options: Any) -> Any:
    providers = ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(model, options, providers=providers)
    except Exception as error:
        if "locale" not in str(error):
            raise
        return onnxruntime.InferenceSession(with_plain_locale(model), options, providers=providers)


@lru_cache(maxsize=64)
def _session(path: Path, sort: str, _digest: str | None) -> Session:
    return Session(path, sort)


def session_of(encoder: Encoder) -> Session:
    """The loaded encoder; each file is loaded once.

    Raises:
        EncoderError: it cannot be used.
    """
    return _session(encoder.path, encoder.input, encoder.sha256)
