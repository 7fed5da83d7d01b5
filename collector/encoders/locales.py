"""Encoders that lower-case their texts, on machines without the locale that onnxruntime asks for.

The operator StringNormalizer takes `en_US.UTF-8` unless its node names another. Slim images have only
`C.UTF-8`, which maps letters alike; onnxruntime then refuses the whole model. So the node is made to name it.
The fields are those of onnx.proto: ModelProto.graph = 7, GraphProto.node = 1, NodeProto.op_type = 4 and
attribute = 5, AttributeProto.name = 1, s = 4 and type = 20.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

GRAPH, NODE, OP_TYPE, ATTRIBUTE = 7, 1, 4, 5
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
STRING = 3
OPERATOR = b"StringNormalizer"
LOCALE = b"\x0a\x06locale\x22\x07C.UTF-8\xa0\x01" + bytes([STRING])


def with_plain_locale(model: bytes) -> bytes:
    """The model with the locale `C.UTF-8` in every StringNormalizer of its graph.

    Raises:
        ValueError: it is no ONNX model.
    """
    return _edited(model, GRAPH, lambda graph: _edited(graph, NODE, _node))


def _node(node: bytes) -> bytes:
    fields = {(number, value) for number, _, value in _fields(node)}
    if (OP_TYPE, OPERATOR) not in fields:
        return node
    others = _edited(node, ATTRIBUTE, lambda held: LOCALE if held.startswith(LOCALE[:8]) else held)
    return others if LOCALE in others else others + _told(ATTRIBUTE, LOCALE)


def _edited(message: bytes, wanted: int, change: Callable[[bytes], bytes]) -> bytes:
    return b"".join(
        raw if value is None or number != wanted else _told(number, change(value))
        for number, raw, value in _fields(message)
    )


def _told(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | BYTES) + _varint(len(value)) + value


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Each field: its number, all its bytes, and its value where that is a string of bytes."""
    at = 0
    while at < len(message):
        begin = at
        key, at = _read(message, at)
        kind, value = key & 7, None
        if kind == VARINT:
            _, at = _read(message, at)
        elif kind == BYTES:
            length, at = _read(message, at)
            value = message[at : at + length]
            at += length
        elif kind in (FIXED32, FIXED64):
            at += 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        if at > len(message):
            raise ValueError("it is cut off")
        yield key >> 3, message[begin:at], value


def _read(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message):
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint
            return value, at
    raise ValueError("it is cut off")


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:  # noqa: PLR2004 - as above
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
