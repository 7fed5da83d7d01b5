"""From a column of texts or images to a column of vectors, with every bad input told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from collector.encoders.encoder import Encoder
from collector.encoders.images import image
from collector.encoders.session import FAILURES, Session, session_of
from collector.validation.columns import BadValueError, Column, Fault, listed, named
from profiles.counts import Floats

LONGEST = 1_000_000  # characters


def encoded(values: Column, encoder: Encoder) -> tuple[Floats, list[Fault]]:
    """The vectors of inputs, shape (n, width), and the faults; a missing input is NaN throughout.

    Args:
        values: a Python list or an Arrow array.
        encoder: makes the vectors.

    Raises:
        EncoderError: the encoder cannot be used at all.
    """
    session, given = session_of(encoder), listed(values)
    found, faults = np.full((len(given), session.width), np.nan), []
    alike: dict[tuple[int, ...], list[tuple[int, Any]]] = defaultdict(list)
    for row, value in enumerate(given):
        if value is None:
            continue
        try:
            one = _text(value, session) if encoder.input == "text" else image(value, session)
        except BadValueError as bad:
            faults.append(Fault(row, value, bad.reason, bad.fix))
        else:
            alike[one.shape].append((row, one))
    for group in alike.values():
        rows, inputs = [row for row, _ in group], np.stack([one for _, one in group])
        faults += [Fault(row, given[row], *told) for row, told in _into(found, rows, inputs, session)]
    return found, sorted(faults, key=lambda fault: fault.row)


def _text(value: Any, session: Session) -> Any:
    if not isinstance(value, str):
        raise BadValueError(f"expected a text, got {named(value)}", "send a JSON string, or null")
    if len(value) > LONGEST:
        raise BadValueError(f"the text has {len(value)} characters", f"send at most {LONGEST}")
    return np.full([1] * len(session.shape), value, object)


def _into(
    found: Floats, rows: Sequence[int], inputs: Any, session: Session
) -> list[tuple[int, tuple[str, str]]]:
    """Write the vectors of inputs into their rows; returns those that cannot be encoded, and why.

    Where the encoder fails on several, each half is tried: the others must not suffer for one.
    """
    fix = "send an input that the encoder can take, or null"
    try:
        vectors = session.vectors(inputs)
    except FAILURES as error:
        if len(rows) > 1:
            half = len(rows) // 2
            return _into(found, rows[:half], inputs[:half], session) + _into(
                found, rows[half:], inputs[half:], session
            )
        return [(rows[0], (f"the encoder failed: {str(error)[:200]}", fix))]
    if vectors.shape[1] != session.width:
        told = f"the vector has {vectors.shape[1]} numbers, not {session.width}", fix
        return [(row, told) for row in rows]
    whole = np.isfinite(vectors).all(axis=1)
    found[np.array(rows)[whole]] = vectors[whole]
    return [(rows[at], ("the vector is not finite", fix)) for at in np.flatnonzero(~whole).tolist()]
