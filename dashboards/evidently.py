"""evidently's report of a window against its reference, as one page that loads nothing from elsewhere."""

from __future__ import annotations

import html
import re

import pandas as pd

from detectors.sampled.frame import Frames, quiet, report
from detectors.sampled.separation import confirm
from detectors.sampled.subgroups import worst_slice
from profiles.sample import Sample

HARMLESS = str.maketrans("<>", "\u2039\u203a")
FEWEST = 2  # rows that evidently's pictures need
# scripts are within the page; it can neither load nor send anything
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)
HEAD = """<style>
.modelwatch { font: 16px/1.5 system-ui, sans-serif; margin: 1rem 1.5rem; color: #1f2933; }
.modelwatch h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
.modelwatch p { margin: .25rem 0; }
</style>"""


class ReportError(ValueError):
    """There is nothing to report on; the message says what is missing."""


def report_page(reference: Sample, window: Sample, title: str, notes: tuple[str, ...] = ()) -> str:
    """Write the report: a header that says how well a classifier tells the two apart, and evidently's page.

    The header also says which slice of the rows has changed most. It takes seconds, most of them when it is
    the first of a process.

    Args:
        reference: the known good.
        window: what is compared with it.
        title: what this is a report of.
        notes: what else to say in the header.

    Raises:
        ReportError: there are too few rows, or no column in common.
    """
    few = min(reference.count, window.count)
    frames = _harmless(Frames.of(reference, window))
    if few < FEWEST or not frames.columns:
        raise ReportError(
            f"{window.count} sampled rows of the window and {reference.count} of its reference, with"
            f" {len(frames.columns)} columns in common: too little for a report"
        )
    found, changed = confirm(reference, window), worst_slice(reference, window)
    lines = (*notes, found.sentence() if found else "Too few rows for a classifier.")
    lines += (changed.sentence(),) if changed else ()
    with quiet():
        from evidently.presets import DataDriftPreset, DataSummaryPreset  # noqa: PLC0415 - takes seconds

        snapshot = report(frames, [DataDriftPreset(), DataSummaryPreset()])
        page = snapshot.get_html_str(as_iframe=False)
    return _framed(page, title, lines)


def _harmless(frames: Frames) -> Frames:
    """The same without angle brackets: evidently writes words into its scripts as they are."""

    def clean(frame: pd.DataFrame) -> pd.DataFrame:
        words = {name: frame[name].map(_plain, na_action="ignore") for name in frames.categorical}
        return frame.assign(**words).rename(columns=_plain)

    names = [_plain(name) for name in frames.numeric], [_plain(name) for name in frames.categorical]
    return Frames(clean(frames.reference), clean(frames.current), *names)


def _plain(word: str) -> str:
    return word.translate(HARMLESS)


def _framed(page: str, title: str, lines: tuple[str, ...]) -> str:
    """The page with a header, and with a policy that keeps it to itself wherever it is opened."""
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head = f'<meta charset="utf-8">{policy}<title>{html.escape(title)}</title>{HEAD}'
    said = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    header = f'<div class="modelwatch"><h1>{html.escape(title)}</h1>{said}</div>'
    body = re.sub(r"(<body[^>]*>)", lambda match: match[1] + header, page, count=1)
    if body == page:
        body = header + page
    return re.sub(r"<head[^>]*>", lambda match: match[0] + head, body, count=1)
