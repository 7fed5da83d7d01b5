"""Secrets come from the environment or from files, never from the configuration itself."""

from __future__ import annotations

import os
from pathlib import Path


class SecretError(ValueError):
    """A secret that the configuration names is not there, or cannot be used."""


def is_named(name: str) -> bool:
    """Whether the environment holds a secret, or names its file."""
    return name in os.environ or f"{name}_FILE" in os.environ


def secret(name: str) -> str:
    """The secret in the environment variable `name`, or in the file that `name`_FILE names.

    Raises:
        SecretError: neither is set, the file cannot be read, or it is no token. The message never shows it.

    >>> os.environ["EXAMPLE_TOKEN"] = "abc"
    >>> secret("EXAMPLE_TOKEN")
    'abc'
    """
    if not is_named(name):
        raise SecretError(f"{name} is not set; set it, or {name}_FILE, in the environment")
    found = os.environ.get(name, "").strip()
    if not found and (path := os.environ.get(f"{name}_FILE")):
        try:
            found = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise SecretError(f"{name}_FILE: {path} cannot be read: {reason}") from None
    if not found:
        raise SecretError(f"{name} is empty; put the token in it, or take it away")
    if not (found.isascii() and found.isprintable()):
        raise SecretError(f"{name} holds characters other than printable ASCII; leave them out")
    return found
