"""Bodies of requests to inference servers and of their responses, in each of their dialects.

`inputs` and `outputs` of the Open Inference Protocol; `instances` and `predictions` of TensorFlow Serving and
KServe V1; `dataframe_records`, `dataframe_split` and `inputs` of MLflow. They are told apart by shape.
"""

from __future__ import annotations

from typing import Any

from collector.sources.frame import Frame, UnreadableError, framed
from collector.sources.tensors import frame_of, is_tensors
from collector.validation.columns import named

REQUESTS = ("instances", "dataframe_records", "dataframe_split", "inputs")
RESPONSES = ("predictions", "outputs")


def request_frame(document: Any) -> Frame:
    """The instances that a request asks about.

    >>> request_frame({"instances": [{"x": 1}, {"x": 2}]}).columns
    {'x': [1, 2]}

    Raises:
        UnreadableError: it is no request in any dialect.
    """
    return _frame("request", document, REQUESTS)


def response_frame(document: Any) -> Frame:
    """The answers of a response, and the version that gave them.

    >>> response_frame({"predictions": [0.25, 0.5]}).columns
    {'': [0.25, 0.5]}

    Raises:
        UnreadableError: it is no response in any dialect.
    """
    return _frame("response", document, RESPONSES)


def _frame(part: str, document: Any, keys: tuple[str, ...]) -> Frame:
    if not isinstance(document, dict):
        raise UnreadableError(
            part, document, f"expected an object, got {named(document)}", f"send an object with {keys[0]}"
        )
    key = next((one for one in keys if one in document), None)
    if key is None:
        fix = f"send one of {', '.join(keys)}"
        raise UnreadableError(part, sorted(document), "it holds no instances and no tensors", fix)
    given = document[key]
    version = document.get("model_version")
    version = str(version) if isinstance(version, str | int) and version != "" else None
    if is_tensors(given):
        return frame_of(key, given, version)
    if key == "dataframe_split":
        return framed(key, _split(given), version)
    if isinstance(given, dict):
        return framed(key, _columns(key, given), version)
    if not isinstance(given, list):
        raise UnreadableError(key, given, f"expected an array, got {named(given)}", f"send {key} as an array")
    return framed(key, _instances(key, given), version)


def _instances(key: str, rows: list[Any]) -> dict[str, list[Any]]:
    """Objects by their keys; lists and scalars as the one column without a name."""
    objects = [isinstance(row, dict) for row in rows]
    if not any(objects):
        return {"": rows}
    if not all(objects):
        at = objects.index(False)
        reason = "some of its rows are objects and some are not"
        raise UnreadableError(f"{key}.{at}", rows[at], reason, "send all rows alike")
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _columns(key: str, given: dict[str, Any]) -> dict[str, list[Any]]:
    """An object of columns."""
    for name, values in given.items():
        if not isinstance(values, list):
            reason = f"expected an array, got {named(values)}"
            raise UnreadableError(f"{key}.{name}", values, reason, "send a value for each row")
    return given


def _split(given: Any) -> dict[str, list[Any]]:
    """A data frame as pandas splits it: `{"columns": [...], "data": [[...], ...]}`."""
    fix = 'send {"columns": [...], "data": [[...], ...]}'
    names, rows = (given.get("columns"), given.get("data")) if isinstance(given, dict) else (None, None)
    if not isinstance(names, list) or not isinstance(rows, list):
        raise UnreadableError("dataframe_split", given, "it has no columns and data", fix)
    for at, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(names):
            reason = f"a row that does not have {len(names)} values"
            raise UnreadableError(f"dataframe_split.data.{at}", row, reason, fix)
    return {str(name): [row[at] for row in rows] for at, name in enumerate(names)}
