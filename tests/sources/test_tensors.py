"""Tensors and other bodies: whatever their dress, the same columns; what is wrong is told, never a crash."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.sources.bodies import request_frame, response_frame
from collector.sources.frame import UnreadableError
from collector.sources.layout import Layout
from collector.sources.tensors import frame_of
from tests.collector.collecting import CLASSES, NUMBERS, SCHEMA
from tests.sources.contract import SCHEMAS, events
from tests.sources.loggers import BODIES

DATATYPES = {
    "FP64": st.floats(allow_nan=False, width=64),
    "FP32": st.floats(allow_nan=False, width=32),
    "INT64": st.integers(-(2**63), 2**63 - 1),
    "UINT8": st.integers(0, 255),
    "BOOL": st.booleans(),
    "BYTES": st.text(max_size=5),
}
shapes = st.lists(st.integers(1, 4), min_size=1, max_size=3)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def tensors(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    """A tensor with flat data, and its values as a numpy array of objects."""
    kind, shape = draw(st.sampled_from([*DATATYPES])), draw(shapes)
    size = int(np.prod(shape))
    flat = draw(st.lists(DATATYPES[kind], min_size=size, max_size=size))
    values = np.empty(size, object)
    values[:] = flat
    return {"name": "t", "shape": shape, "datatype": kind, "data": flat}, values.reshape(shape)


@given(tensors())
def test_flat_and_nested_data_are_the_same_rows(made: tuple[dict[str, Any], Any]) -> None:
    tensor, values = made
    wanted = values.tolist() if values.ndim == 1 else [row.ravel().tolist() for row in values]
    for dress in (
        tensor,
        tensor | {"data": values.tolist()},
        {name: value for name, value in tensor.items() if name != "datatype"},
        tensor | {"datatype": tensor["datatype"].lower()},
        tensor | {"shape": [-1, *tensor["shape"][1:]]},
        {"name": "t", "datatype": tensor["datatype"], "data": values.tolist()},
    ):
        frame = frame_of("inputs", [dress])
        assert frame.rows == len(values)
        assert frame.columns == {"t": wanted}


@given(tensors(), st.integers(0, 3))
def test_a_shape_that_does_not_fit_is_told(made: tuple[dict[str, Any], Any], more: int) -> None:
    tensor, values = made
    wrong = tensor | {"shape": [values.size + 1 + more]}
    with pytest.raises(UnreadableError, match="does not fit") as told:
        frame_of("inputs", [wrong])
    assert told.value.field == "inputs.t.shape"
    assert told.value.fix


def read_or_told(read: Callable[[], Any]) -> Any:
    """What is read, or None where it is told what is wrong; nothing else may be raised."""
    try:
        return read()
    except UnreadableError as error:
        fix = error.fix
    assert fix
    return None


@pytest.mark.parametrize("schema", [SCHEMA, CLASSES, NUMBERS], ids=lambda schema: schema.task)
@given(request_body=json_values, response_body=json_values)
def test_anything_is_read_or_told(schema: Any, request_body: Any, response_body: Any) -> None:
    good = {"instances": [{"x": 0.5}]}
    for asked, told in (
        (request_body, response_body),
        ({"inputs": request_body}, {"outputs": response_body}),
        ({"instances": [request_body]}, {"predictions": [0.5]}),
        (good, {"predictions": [response_body]}),
        (good, {"outputs": [{"name": "p", "shape": [1], "data": response_body}]}),
    ):
        found = read_or_told(partial(Layout().events, schema, asked, told, {"id": "1"}))
        assert found is None or len(found) >= 1


@given(json_values, json_values, json_values)
def test_any_tensor_is_read_or_told(shape: Any, datatype: Any, data: Any) -> None:
    tensor = {"name": "x", "shape": shape, "datatype": datatype, "data": data}
    for one in (tensor, {"name": "x", "data": data}, {"name": "x", "shape": shape}):
        frame = read_or_told(partial(frame_of, "inputs", [one]))
        assert frame is None or len(frame.columns["x"]) == frame.rows > 0


@pytest.mark.parametrize(
    ("tensor", "field", "reason"),
    [
        ({"shape": [1000000000, 0], "data": []}, "inputs", "no rows"),
        ({"shape": [2, 2], "data": [[1, 2], [3]]}, "inputs.t.data", "different lengths"),
        ({"shape": [2], "data": 7}, "inputs.t.data", "expected an array"),
        ({"shape": [-2], "data": [7]}, "inputs.t.shape", "no shape"),
        ({"shape": [3, 2], "data": [[1, 2, 3], [4, 5, 6]]}, "inputs.t.shape", "does not fit"),
        ({"shape": [1], "datatype": "FP128", "data": [7]}, "inputs.t.datatype", "not a datatype"),
        ({"shape": [1], "datatype": "INT8", "data": ["x"]}, "inputs.t.data", "not INT8"),
        ({"shape": [1], "datatype": "INT8", "data": [1.5]}, "inputs.t.data", "not INT8"),
        ({"shape": [1], "parameters": {"binary_data_size": 8}}, "inputs.t.data", "binary"),
    ],
)
def test_what_is_wrong_is_told_with_its_field(tensor: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason) as told:
        frame_of("inputs", [{"name": "t", **tensor}])
    assert told.value.field == field


def test_values_are_read_leniently() -> None:
    read = [
        {"name": "a", "shape": [2], "datatype": "FP32", "data": [1, "2.5"]},
        {"name": "b", "shape": [2], "datatype": "INT32", "data": ["3", 4.0]},
        {"name": "c", "shape": [2], "datatype": "BOOL", "data": [1, "false"]},
        {"name": "d", "shape": [2, 1], "datatype": "FP64", "data": [None, 0.5]},
    ]
    assert frame_of("inputs", read).columns == {
        "a": [1.0, 2.5],
        "b": [3, 4],
        "c": [True, False],
        "d": [[None], [0.5]],
    }


def test_a_matrix_may_name_its_columns() -> None:
    matrix = {"name": "t", "shape": [2, 2], "datatype": "INT32", "data": [1, 2, 3, 4]}
    told = matrix | {"parameters": {"columns": ["x", "y"]}}
    assert frame_of("inputs", [told]).columns == {"x": [1, 3], "y": [2, 4]}
    assert frame_of("inputs", [matrix | {"parameters": {"columns": ["x"]}}]).columns == {
        "t": [[1, 2], [3, 4]]
    }


REQUESTS = [
    {"instances": [{"x": 1, "y": "a"}, {"x": 2}]},
    {"dataframe_records": [{"x": 1, "y": "a"}, {"x": 2, "y": None}]},
    {"dataframe_split": {"columns": ["x", "y"], "index": [0, 1], "data": [[1, "a"], [2, None]]}},
    {"inputs": {"x": [1, 2], "y": ["a", None]}},
    {"inputs": [{"x": 1, "y": "a"}, {"x": 2}]},
]


@pytest.mark.parametrize("request_body", REQUESTS, ids=lambda body: next(iter(body)))
def test_every_dialect_of_requests(request_body: dict[str, Any]) -> None:
    assert request_frame(request_body).columns == {"x": [1, 2], "y": ["a", None]}


def test_every_dialect_of_responses() -> None:
    assert response_frame({"predictions": [0.5]}).columns == {"": [0.5]}
    assert response_frame({"outputs": [[0.5, 0.25]]}).columns == {"": [[0.5, 0.25]]}
    assert response_frame({"predictions": {"score": [0.5]}, "model_version": 3}).version == "3"


@pytest.mark.parametrize(
    ("schema", "layout", "predictions", "wanted"),
    [
        (SCHEMA, {}, [0.25], {"score": 0.25}),
        (SCHEMA, {}, [1], {"prediction": 1}),
        (SCHEMA, {}, ["yes"], {"prediction": "yes"}),
        (SCHEMA, {}, [[0.75, 0.25]], {"score": 0.25}),
        (SCHEMA, {"outputs": [{"threshold": 0.2}]}, [0.25], {"score": 0.25, "prediction": 1}),
        (SCHEMA, {"outputs": [{"gives": "prediction", "threshold": 3}]}, [2.5], {"prediction": 0}),
        (SCHEMA, {}, [{"score": 0.5, "prediction": 1, "why": "x"}], {"score": 0.5, "prediction": 1}),
        (SCHEMA, {"outputs": [{"name": "p", "index": 0}]}, [{"p": [0.5, 1]}], {"score": 0.5}),
        (CLASSES, {}, [[0.1, 0.7, 0.2]], {"prediction": "1", "score": 0.7}),
        (CLASSES, {"outputs": [{"classes": ["a", "b"]}]}, [[3, -1]], {"prediction": "a", "score": None}),
        (CLASSES, {}, ["cat"], {"prediction": "cat"}),
        (NUMBERS, {}, [[7.5]], {"prediction": 7.5}),
        (NUMBERS, {}, [7], {"prediction": 7}),
    ],
)
def test_which_output_is_what(
    schema: Any, layout: Any, predictions: list[Any], wanted: dict[str, Any]
) -> None:
    request = {"instances": [{"x": 1.0}]}
    (event,) = Layout.model_validate(layout).events(schema, request, {"predictions": predictions}, {})
    assert {name: event[name] for name in ("score", "prediction") if name in event} == wanted


@pytest.mark.parametrize(
    ("layout", "predictions"),
    [
        ({"outputs": [{"name": "nothing"}]}, [0.5]),
        ({"outputs": [{"index": 7}]}, [[0.5, 0.5]]),
        ({"outputs": [{"index": 1}]}, [0.5]),
        ({"outputs": [{"threshold": 0.5}]}, ["high"]),
        ({}, [[0.1, 0.2, 0.7]]),
        ({}, [0.5, 0.5]),
    ],
)
def test_outputs_that_are_not_as_described_are_told(layout: Any, predictions: list[Any]) -> None:
    with pytest.raises(UnreadableError) as told:
        Layout.model_validate(layout).events(
            SCHEMA, {"instances": [{"x": 1.0}]}, {"predictions": predictions}, {}
        )
    assert told.value.field.startswith("response")
    assert told.value.fix


@pytest.mark.parametrize("dialect", BODIES)
def test_several_instances_are_numbered(dialect: str) -> None:
    body, layout = BODIES[dialect]
    (request, response), read = body(events(1)[0]), Layout.model_validate(layout)
    key = "instances" if "instances" in request else ""
    if not key:
        return
    request, response = {key: request[key] * 3}, {"predictions": response["predictions"] * 3}
    found = read.events(SCHEMAS["m"], request, response, {"id": "a"})
    assert [event["id"] for event in found] == ["a/0", "a/1", "a/2"]
