"""An image of an event as the array that an encoder takes."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from collector.encoders.png import pixels
from collector.encoders.session import Session
from collector.validation.columns import BadValueError, named

WHITE = 255
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
FIX = "send base64 of a PNG, or nested numbers of the encoder's input shape"
COLOURS = 3


def image(value: Any, session: Session) -> Any:
    """One input for the encoder, without the batch.

    Nested numbers are taken as they are. The pixels of a PNG are 0 to 1 where the encoder takes fractions, in
    its order of channels and number of them; they are not resized.

    Args:
        value: what the event carries.
        session: the encoder.

    Raises:
        BadValueError: it is no image, or not of the encoder's shape.
    """
    if isinstance(value, bytes | str):
        return _picture(value if isinstance(value, bytes) else _decoded(value), session)
    if not isinstance(value, list):
        raise BadValueError(f"expected an image, got {named(value)}", FIX)
    try:
        given = np.array(value)
    except ValueError:
        given = np.array(None)
    if given.dtype.kind not in "iuf" or not given.size or not np.isfinite(given).all():
        raise BadValueError("the numbers are not all there, or not finite", FIX)
    if session.kind.kind == "u" and (given.min() < 0 or given.max() > WHITE):
        raise BadValueError("a number is not from 0 to 255", FIX)
    return _fitting(given, session)


def _decoded(text: str) -> bytes:
    head, _, tail = text.partition(",")
    try:
        return base64.b64decode(tail if head.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise BadValueError("not base64", FIX) from None


def _picture(data: bytes, session: Session) -> Any:
    found: Any = pixels(data)
    if session.kind.kind == "f":
        found = found / WHITE
    shape = session.shape
    if len(shape) != COLOURS:  # no channels: grey
        return _fitting(_with_channels(found, 1)[:, :, 0], session)
    last = shape[-1] in (1, COLOURS) and shape[0] not in (1, COLOURS)
    found = _with_channels(found, (shape[-1] if last else shape[0]) or COLOURS)
    return _fitting(found if last else found.transpose(2, 0, 1), session)


def _with_channels(found: Any, channels: int) -> Any:
    if found.shape[2] == channels:
        return found
    if channels == 1:
        grey = found @ LUMA
        return (np.rint(grey).astype(np.uint8) if found.dtype == np.uint8 else grey)[:, :, None]
    return np.repeat(found, channels, axis=2)


def _fitting(found: Any, session: Session) -> Any:
    """The array in the encoder's shape and type; a flat shape takes all numbers in a row."""
    wanted = session.shape
    if len(wanted) == 1:
        found = found.reshape(-1)
    fits = found.ndim == len(wanted) and all(
        size is None or size == held for size, held in zip(wanted, found.shape, strict=True)
    )
    if not fits:
        told = " x ".join("any" if size is None else str(size) for size in wanted)
        has = " x ".join(map(str, found.shape))
        raise BadValueError(f"the image is {has}, the encoder takes {told}", "bring it to that size")
    return found.astype(session.kind)
