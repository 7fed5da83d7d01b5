"""OpenSLO files: on the command line, and in place of a monitor file's list of objectives."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from collector.document import LARGEST_FILE, DocumentError
from collector.window import Window
from dashboards.openslo import read_objectives

USUAL = "1h"  # a model's window when the file does not say


def read_documents(path: Path) -> list[Any]:
    """The documents of a YAML file.

    Raises:
        DocumentError: it cannot be read, is no YAML, or is too large.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise DocumentError(f"{path}: is larger than {LARGEST_FILE} bytes; is it an OpenSLO file?")
        return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError(f"{path}: not YAML: {error}") from None


def with_objectives(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A monitor file's content with `slos: {openslo: FILE}` replaced by the objectives of that file.

    Args:
        content: what the monitor file says.
        folder: that the path is relative to.

    Raises:
        DocumentError: the file cannot be read, or one of its SLOs cannot be an objective.
    """
    slos = content.get("slos")
    if not isinstance(slos, dict) or set(slos) != {"openslo"} or not isinstance(slos["openslo"], str):
        return content
    path = folder / slos["openslo"]
    found, refused = read_objectives(read_documents(path), _window(content))
    if refused:
        raise DocumentError("\n".join(f"{path}: {one.name}: {one.reason}" for one in refused))
    if not found:
        raise DocumentError(f"{path}: has no document of `kind: SLO`")
    return content | {"slos": found}


def _window(content: dict[str, Any]) -> timedelta:
    try:
        return Window.model_validate(content.get("window", USUAL)).size
    except ValidationError:  # told when the monitor file is checked
        return Window.model_validate(USUAL).size
