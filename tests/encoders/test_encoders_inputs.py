"""What is no input is a rejected row with its reason; the rest of the batch goes on, by every way in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml
from onnx import TensorProto, helper
from sklearn.datasets import load_digits

from collector.encoders.encode import encoded
from collector.encoders.encoder import Encoder, EncoderError
from collector.encoders.locales import with_plain_locale
from collector.encoders.session import session_of
from collector.schema import Schema
from collector.validation.record import Record
from collector.validation.validate import Validator
from modelwatch.monitor import MonitorError, load_monitor
from tests.encoders.encoding import as_text, image_encoder, png, text_encoder

PICTURE = load_digits().images[3]


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder(path=image_encoder(tmp_path_factory.mktemp("photo") / "photo.onnx"), input="image")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    return Encoder(path=text_encoder(tmp_path_factory.mktemp("words") / "words.onnx"), input="text")


def model(path: Path, nodes: list[Any], shape: list[Any], out: list[Any]) -> Path:
    """An ONNX model with the input x and the output y."""
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    made = helper.make_tensor_value_info("y", TensorProto.FLOAT, out)
    graph = helper.make_graph(nodes, "g", [given], [made])
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(whole.SerializeToString())
    return path


def pooled(path: Path, shape: list[Any]) -> Encoder:
    """The mean of each channel of an image of any size."""
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["z"]), helper.make_node("Flatten", ["z"], ["y"])]
    return Encoder(path=model(path, nodes, shape, ["n", None]), input="image")


def test_the_vectors_are_those_of_the_pipeline(photo: Encoder) -> None:
    pictures = load_digits().images[:150]
    nested, faults = encoded([one.tolist() for one in pictures / 16], photo)
    assert not faults
    assert nested.shape == (150, 8)
    basis = np.linalg.svd(
        load_digits().data / 16 - load_digits().data.mean(axis=0) / 16, full_matrices=False
    )[2]
    exact = (pictures.reshape(150, -1) - load_digits().data.mean(axis=0)) / 16 @ basis[:8].T
    assert np.abs(nested) == pytest.approx(np.abs(exact), abs=1e-4)
    bright = [as_text(png(np.rint(one * 255 / 16))) for one in pictures]
    sent, faults = encoded(bright, photo)
    assert not faults
    assert sent == pytest.approx(nested, abs=0.02)  # a pixel has 256 shades
    assert np.array_equal(encoded([f"data:image/png;base64,{one}" for one in bright], photo)[0], sent)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("not base64!", "not base64"),
        (as_text(b"GIF89a and so on"), "expected a PNG"),
        (as_text(b"\xff\xd8\xff\xe0 a JPEG"), "a JPEG"),
        (as_text(png(np.zeros((4, 4)))), "the image is 16, the encoder takes 64"),
        ([1.0, 2.0], "the image is 2"),
        ([[1.0], [2.0, 3.0]], "not all there"),
        ([[float("nan")] * 8] * 8, "not finite"),
        ([], "not all there"),
        (7, "expected an image, got a number"),
        ({"a": 1}, "expected an image, got an object"),
    ],
)
def test_a_bad_image_is_told_and_the_others_go_on(photo: Encoder, bad: Any, reason: str) -> None:
    good = (PICTURE / 16).tolist()
    found, faults = encoded([good, bad, None, good], photo)
    assert [fault.row for fault in faults] == [1]
    assert reason in faults[0].reason
    assert faults[0].fix
    assert np.isfinite(found[[0, 3]]).all()
    assert np.isnan(found[[1, 2]]).all()
    assert np.array_equal(found[0], found[3])


def test_a_text_is_a_string(words: Encoder) -> None:
    found, faults = encoded(["the rocket and the moon", 5, None, "a goal", "", ["x"]], words)
    assert [fault.row for fault in faults] == [1, 5]
    assert np.isfinite(found[[0, 3, 4]]).all()
    assert np.isnan(found[2]).all()
    assert not np.array_equal(found[0], found[3])
    arrow = pa.array(["the rocket and the moon", "a goal"]).dictionary_encode()
    assert np.array_equal(encoded(arrow, words)[0], found[[0, 3]])


def test_an_encoder_that_fails_on_one_input_costs_that_row_alone(tmp_path: Path) -> None:
    # integers as an index: one that is too large makes the operator fail
    table = helper.make_tensor("table", TensorProto.FLOAT, [4, 2], list(range(8)))
    nodes = [
        helper.make_node("Constant", [], ["t"], value=table),
        helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT64),
        helper.make_node("Gather", ["t", "i"], ["z"]),
        helper.make_node("Flatten", ["z"], ["y"]),
    ]
    encoder = Encoder(path=model(tmp_path / "gather.onnx", nodes, ["n", 1], ["n", 2]), input="image")
    found, faults = encoded([[0], [1], [9], [3], [2], [-50]], encoder)
    assert [fault.row for fault in faults] == [2, 5]
    assert all("the encoder failed" in fault.reason for fault in faults)
    assert found[[0, 1, 3, 4]].tolist() == [[0, 1], [2, 3], [6, 7], [4, 5]]


def test_a_vector_that_is_not_finite_is_a_fault(tmp_path: Path) -> None:
    nodes = [helper.make_node("Log", ["x"], ["y"])]
    encoder = Encoder(path=model(tmp_path / "log.onnx", nodes, ["n", 2], ["n", 2]), input="image")
    found, faults = encoded([[1.0, 1.0], [1.0, -1.0]], encoder)
    assert [(fault.row, fault.reason) for fault in faults] == [(1, "the vector is not finite")]
    assert found[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("batch", ["n", 1, 3])
def test_images_of_any_size_and_models_of_a_fixed_batch(tmp_path: Path, batch: Any) -> None:
    encoder = pooled(tmp_path / "pool.onnx", [batch, 3, None, None])
    rng = np.random.default_rng(0)
    small, large = (rng.integers(0, 256, (size, size, 3), np.uint8) for size in (5, 9))
    grey = np.full((4, 4), 51, np.uint8)
    found, faults = encoded([png(small), as_text(png(large)), png(grey), png(small)], encoder)
    assert not faults
    assert found[0] == pytest.approx(small.mean(axis=(0, 1)) / 255, abs=1e-6)
    assert found[1] == pytest.approx(large.mean(axis=(0, 1)) / 255, abs=1e-6)
    assert found[2] == pytest.approx([0.2] * 3, abs=1e-6)
    assert np.array_equal(found[0], found[3])


def test_the_plain_locale_is_written_once_into_the_node_alone(words: Encoder) -> None:
    import onnx  # noqa: PLC0415 - slow, for this test alone

    given = words.path.read_bytes()
    once = with_plain_locale(given)
    assert with_plain_locale(once) == once
    before, after = (onnx.load_from_string(one).graph.node for one in (given, once))
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [node.op_type for node in changed] == ["StringNormalizer"]
    assert [one.s for one in changed[0].attribute if one.name == "locale"] == [b"C.UTF-8"]
    with pytest.raises(ValueError, match="cut off"):
        with_plain_locale(given[:-3])


@pytest.mark.parametrize(
    ("content", "sort", "reason"),
    [
        (None, "image", "cannot be read"),
        (b"this is no model", "image", "not an ONNX model"),
        ("image", "text", "a text needs"),
    ],
)
def test_an_encoder_that_cannot_be_used_is_an_error_of_the_monitor(
    tmp_path: Path, content: Any, sort: str, reason: str
) -> None:
    path = tmp_path / "enc.onnx"
    if content == "image":
        image_encoder(path)
    elif content is not None:
        path.write_bytes(content)
    told = {"kind": "embedding", "encoder": {"path": "enc.onnx", "input": sort}}
    config = {"model": "m", "task": "binary", "features": {"photo": told}}
    (tmp_path / "m.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(MonitorError, match=reason) as raised:
        load_monitor(tmp_path / "m.yaml")
    assert "features.photo.encoder" in str(raised.value)
    assert "enc.onnx" in str(raised.value)


def test_a_digest_pins_the_file(tmp_path: Path) -> None:
    image_encoder(tmp_path / "enc.onnx")
    located = Encoder(path=Path("enc.onnx"), input="image").located(tmp_path)
    assert located.located(Path()) == located
    (tmp_path / "enc.onnx").write_bytes(b"another")
    with pytest.raises(EncoderError, match="sha256"):
        located.located(Path())


@pytest.mark.parametrize("both", [{}, {"columns": ["a"], "encoder": {"path": "x.onnx", "input": "text"}}])
def test_an_embedding_has_columns_or_an_encoder(both: dict[str, Any]) -> None:
    features = {"e": {"kind": "embedding", **both}}
    with pytest.raises(ValueError, match="needs `columns"):
        Schema.model_validate({"model": "m", "task": "binary", "features": features})


def schema_of(encoder: Encoder) -> Schema:
    told = {"kind": "embedding", "encoder": encoder.model_dump(mode="json"), "required": True}
    return Schema.model_validate({"model": "m", "task": "binary", "features": {"photo": told}})


def test_json_and_arrow_bring_the_same_vectors_and_rejections(photo: Encoder) -> None:
    schema = schema_of(photo)
    sent = [as_text(png(PICTURE)), "nonsense", None]
    events = [
        {"id": str(at), "timestamp": 1_704_067_200 + at, "prediction": 1, "features": {"photo": one}}
        for at, one in enumerate(sent)
    ]
    lines = [json.dumps({"kind": "prediction", "model": "m", **event}).encode() for event in events]
    wire = Validator({"m": schema}).lines(lines, None, None)
    columns = {
        "id": ["0", "1", "2"],
        "timestamp": [1_704_067_200 + at for at in range(3)],
        "prediction": [1] * 3,
    }
    pictures: dict[str, Any] = {
        "text": pa.array(sent),
        "large text": pa.array(sent, pa.large_string()),
        "bytes": pa.array([png(PICTURE), b"nonsense", None]),
        "large bytes": pa.array([png(PICTURE), b"nonsense", None], pa.large_binary()),
    }
    for held in pictures.values():
        record = pa.record_batch({**{name: pa.array(one) for name, one in columns.items()}, "photo": held})
        batch = Record(record, schema, 0).batch(None)
        for one in (wire, batch):
            assert [(bad.row, bad.field) for bad in one.rejections] == [
                (1, "features.photo"),
                (2, "features.photo"),
            ]
            assert one.rejections[1].reason == "missing"
            assert all(len(bad.value) <= 200 for bad in one.rejections)
            (rows,) = one.predictions["m"]
            assert rows.features["photo"].shape == (1, session_of(photo).width)  # type: ignore[union-attr]
        mine, theirs = (one.predictions["m"][0].features["photo"] for one in (wire, batch))
        assert np.array_equal(mine, theirs)  # type: ignore[arg-type]
