"""Secrets come from the environment or from files, never from the configuration itself."""

from __future__ import annotations

import os
from pathlib import Path


class SecretError(ValueError):
    """A secret that the configuration names is not there."""


def secret(name: str) -> str:
    """The secret in the environment variable `name`, or in the file that `name`_FILE names.

    Raises:
        SecretError: neither is set, or the file cannot be read.

    >>> os.environ["EXAMPLE_TOKEN"] = "abc"
    >>> secret("EXAMPLE_TOKEN")
    'abc'
    """
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SecretError(f"{name}_FILE: {path} cannot be read: {error.strerror}") from None
    raise SecretError(f"{name} is not set; set it, or {name}_FILE, in the environment")


def bearer(name: str | None) -> dict[str, str]:
    """The authorization header with the token that the environment variable `name` holds; none for None."""
    return {"Authorization": f"Bearer {secret(name)}"} if name else {}
