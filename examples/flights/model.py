"""A model as it is deployed: an ONNX file, and beside it a JSON file with its encoding and its threshold."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from examples.flights.features import Encoding, Flight, Matrix

INPUT = "features"


class Model:
    """Scores flights with onnxruntime.

    Args:
        session: the ONNX model.
        encoding: its categories.
        threshold: the score from which on a flight counts as late.
    """

    def __init__(self, session: Any, encoding: Encoding, threshold: float) -> None:
        self.session, self.encoding, self.threshold = session, encoding, threshold
        self._outputs = [session.get_outputs()[1].name]  # the probabilities; the first output is the class

    @classmethod
    def load(cls, folder: Path, version: str) -> Model:
        """Reads what `save` wrote."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # one row: threads only cost
        options.log_severity_level = 3  # skl2onnx leaves an unused constant behind, onnxruntime warns of it
        path = str(folder / f"{version}.onnx")
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        about = json.loads((folder / f"{version}.json").read_text())
        return cls(session, Encoding(**about["encoding"]), about["threshold"])

    def scores(self, matrix: Matrix) -> npt.NDArray[np.float32]:
        """The probability of being late, for many flights at once."""
        probabilities: npt.NDArray[np.float32] = self.session.run(self._outputs, {INPUT: matrix})[0]
        return probabilities[:, 1]

    def score(self, flight: Flight) -> float:
        """The probability of being late, for one flight."""
        return float(self.session.run(self._outputs, {INPUT: self.encoding.row(flight)})[0][0, 1])


def save(folder: Path, version: str, graph: bytes, encoding: Encoding, threshold: float) -> None:
    """Writes a model and what belongs to it."""
    about = {"encoding": asdict(encoding), "threshold": threshold}
    (folder / f"{version}.onnx").write_bytes(graph)
    (folder / f"{version}.json").write_text(json.dumps(about, indent=1))
