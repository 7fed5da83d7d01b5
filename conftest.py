"""How property tests draw: the same examples every time, so that a change is what breaks a test.

`make test-random` draws examples that nobody has seen.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("fixed", derandomize=True)
settings.register_profile("random")
settings.load_profile("fixed")
