"""Detectors of third parties, found by their entry points: a package that is installed is enough."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args

from pydantic import Field

from detectors import DETECTORS, AnyDetector, Detector

log = logging.getLogger(__name__)
GROUP = "modelwatch.detectors"


def installed() -> list[type[Detector]]:
    """The detectors that installed packages offer. One that cannot be used is told of, and left out."""
    known = {kind_of(detector) for detector in DETECTORS}
    found: list[type[Detector]] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            detector = _checked(entry, known)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's code raises must not stop the service
            package = entry.dist.name if entry.dist else "an unknown package"
            log.error("detector %s of %s cannot be used: %s", entry.name, package, error)  # noqa: TRY400 - no traceback of ours
        else:
            known.add(entry.name)
            found.append(detector)
    return found


def kind_of(detector: type[Detector]) -> Any:
    """The `kind` by which a monitor file names a detector; None when it has no such field.

    >>> kind_of(DETECTORS[0])
    'smooth_test'
    """
    field = detector.model_fields.get("kind")
    values = get_args(field.annotation) if field else ()
    return values[0] if len(values) == 1 else None


def _checked(entry: EntryPoint, known: set[Any]) -> type[Detector]:
    """Load a detector.

    Raises:
        TypeError: it is no detector, or its kind is not the entry point's name, or another has it.
    """
    detector = entry.load()
    if not (isinstance(detector, type) and issubclass(detector, Detector)):
        raise TypeError(f"{entry.value} is no subclass of detectors.Detector")
    if kind_of(detector) != entry.name:
        raise TypeError(f"it needs the field `kind: Literal[{entry.name!r}] = {entry.name!r}`")
    if entry.name in known:
        raise TypeError(f"there is a detector {entry.name!r} already; choose another name")
    missing = sorted(getattr(detector, "__abstractmethods__", ()))
    if missing:
        raise TypeError(f"it does not define {missing}")
    return detector


if TYPE_CHECKING:
    OpenDetector = AnyDetector
else:
    OpenDetector = Annotated[Union[(*DETECTORS, *installed())], Field(discriminator="kind")]
