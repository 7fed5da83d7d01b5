"""Source files, as commands take them."""

from __future__ import annotations

from pathlib import Path

from collector.sources.catalog import AnySource, load_source
from collector.sources.source import SourceError
from modelwatch.commands.terminal import fail


def load_sources(paths: list[Path]) -> list[AnySource]:
    """The sources of files; a wrong one ends the command with what is wrong with it."""
    try:
        loaded = [load_source(path) for path in paths]
        for one in loaded:
            one.ready()
    except SourceError as error:
        fail(error)
    names = [one.source for one in loaded]
    if twice := {name for name in names if names.count(name) > 1}:
        fail(f"{sorted(twice)}: two source files have this name; give each a `name` of its own")
    return loaded
