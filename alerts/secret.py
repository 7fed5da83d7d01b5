"""Secrets as clients send them."""

from __future__ import annotations

from collector.secret import SecretError, is_named, secret

__all__ = ["SecretError", "bearer", "is_named", "secret"]


def bearer(name: str | None) -> dict[str, str]:
    """The authorization header with the token that the environment variable `name` holds; none for None."""
    return {"Authorization": f"Bearer {secret(name)}"} if name else {}
