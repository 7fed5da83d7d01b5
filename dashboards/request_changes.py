"""Changes of latency and errors in a sentence: since when, where, and with a deployment or without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from collector.window import iso
from dashboards.words import duration, share
from detectors.diagnosis.origin import VERSION, Change
from detectors.diagnosis.split import Part, Split, Where

NEAR = 2  # windows: a deployment that lies longer before a change is not told with it
NAMED = 3
STACK = "look at the stack (hosts, network, what the model calls)"


@dataclass(frozen=True)
class Deployed:
    """A version went live at a moment, in microseconds."""

    at: int
    version: str


@dataclass(frozen=True)
class Account:
    """Explains changes by the deployments around them.

    Attributes:
        deployments: of the model, oldest first.
        length: of a window, in microseconds.
    """

    deployments: Sequence[Deployed]
    length: int

    def told(self, changes: Sequence[Change]) -> list[str]:
        """A sentence for each moment of change; what changed within a window of it is told with it."""
        groups: list[list[Change]] = []
        for change in sorted(changes, key=lambda one: one.start):
            if groups and change.start - groups[-1][0].start <= self.length:
                groups[-1].append(change)
            else:
                groups.append([change])
        return [self.sentence([one for one in changes if one in group]) for group in groups]

    def sentence(self, changes: Sequence[Change]) -> str:
        """What changed at one moment, and what it comes from; of equals the first measure tells."""
        lead = min(changes, key=lambda one: sum(split.where is Where.UNKNOWN for split in one.splits))
        return f"{_moved(changes)} at {iso(lead.start)}, {self.origin(lead)}"

    def origin(self, change: Change) -> str:
        """What a change comes from, as far as the parts of the traffic tell."""
        versions = next(
            (one for one in change.splits if one.column == VERSION), Split(VERSION, Where.UNKNOWN)
        )
        segments = [one for one in change.splits if one.column != VERSION]
        by_version = self._by_version(change, versions)
        if by_version is not None:
            return by_version
        for split in segments:
            if split.where is Where.SOME:
                return f"only in {_names(split, change)}"
            if split.where is Where.MIX:
                return _grown(split, change)
        return self._by_all(change, versions, segments)

    def _by_version(self, change: Change, split: Split) -> str | None:
        if split.where is Where.SOME:
            deployed = self._deployment(change.start, [part.name for part in split.parts])
            said = f"only in version {_names(split, change)}"
            return f"{said}, {_with(deployed, change.start)}" if deployed else said
        if split.where not in (Where.MIX, Where.REPLACED):
            return None
        part = split.parts[0]
        deployed = self._deployment(change.start, [part.name])
        came = _with(deployed, change.start) if deployed else f"as version {part.name} came"
        if split.where is Where.MIX:
            held = _unchanged(split.others, change)
            return f"{came}; {held}" if held and deployed else _grown(split, change)
        return (
            f"{came}, which took over from {split.others[0].name}: a change of the stack then looks the same"
        )

    def _by_all(self, change: Change, versions: Split, segments: Sequence[Split]) -> str:
        """Nothing holds the change alone."""
        deployed = self._deployment(change.start)
        near = None if deployed is None else _with(deployed, change.start)
        alike = ["versions"] if versions.where is Where.ALIKE else []
        alike += ["segments"] if any(split.where is Where.ALIKE for split in segments) else []
        where = f"in all {' and '.join(alike)} alike" if alike else ""
        if versions.where is Where.ALIKE and deployed is not None:
            old = next((one for one in versions.parts if one.name != deployed.version), versions.parts[0])
            also = f"{old.name} changed too ({_value(old, change)})"
            return f"{where}, {near}, but {also}: {STACK}, or at what versions share"
        if near is not None:
            only = "there is no other version to compare with" if versions.where is Where.ONE else ""
            return "; ".join(filter(None, [", ".join(filter(None, [where, near])), only]))
        if versions.where is Where.ONE or where:
            return f"{where or f'in version {versions.parts[0].name}'}: {STACK}, no deployment is near"
        return "no deployment is near, and the parts of the traffic have too few requests to tell where"

    def _deployment(self, start: int, versions: Sequence[str] | None = None) -> Deployed | None:
        """The nearest deployment before the end of a window, of some versions; None if none is near."""
        near = [
            one
            for one in self.deployments
            if start - NEAR * self.length <= one.at < start + self.length
            and (versions is None or one.version in versions)
        ]
        return near[-1] if near else None


def _with(deployed: Deployed, start: int) -> str:
    before = start - deployed.at
    when = f"{duration(before)} before" if before > 0 else "in that window"
    return f"with the deployment of {deployed.version} ({when})"


def _moved(changes: Sequence[Change]) -> str:
    """What rose and what fell, and by how much."""
    said = []
    for verb, way in (("rose", 1), ("fell", -1)):
        own = [one for one in changes if (one.after - one.before) * way > 0]
        for place, one in enumerate({one.measure: one for one in own}.values()):
            text, moved = one.measure.text, "" if place else f" {verb}"
            said.append(f"{one.measure.name}{moved} from {text(one.before)} to {text(one.after)}")
    return " and ".join(filter(None, [", ".join(said[:-1]), said[-1]]))


def _value(part: Part, change: Change) -> str:
    text = change.measure.text
    return f"{change.measure.name} {text(part.before)} -> {text(part.after)}"


def _names(split: Split, change: Change) -> str:
    """The parts that hold a change, with their values, and the largest of those that do not."""
    prefix = "" if split.column == VERSION else f"{split.column}="
    named = [f"{prefix}{part.name} ({_value(part, change)})" for part in split.parts[:NAMED]]
    more = len(split.parts) - NAMED
    held = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    return f"{held}; {_unchanged(split.others, change, prefix)}"


def _unchanged(others: Sequence[Part], change: Change, prefix: str = "") -> str:
    if not others:
        return ""
    return f"{prefix}{others[0].name} did not change ({change.measure.text(others[0].after)})"


def _grown(split: Split, change: Change) -> str:
    """A part that is new, or has grown, and differs."""
    part = split.parts[0]
    name = f"version {part.name}" if split.column == VERSION else f"{split.column}={part.name}"
    held = _unchanged(split.others, change, "" if split.column == VERSION else f"{split.column}=")
    shares = f"{share(part.share_before)} to {share(part.share_after)} of requests"
    value = f"{change.measure.name} {change.measure.text(part.after)}"
    grew = f"as {name} ({value}) grew from {shares}"
    return f"{grew}; {held}" if held else grew
