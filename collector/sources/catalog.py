"""The kinds of sources, and the files that configure them."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from collector.document import DocumentError, problems, read_document
from collector.sources.inference import Inference
from collector.sources.kafka import Kafka
from collector.sources.kserve import KServe
from collector.sources.source import SourceError

AnySource = Kafka | KServe | Inference
KINDS: dict[str, type[AnySource]] = {"kafka": Kafka, "kserve": KServe, "inference": Inference}


def load_source(path: Path) -> AnySource:
    """Read a source file. Paths in it are relative to it.

    Raises:
        SourceError: it cannot be read, or is wrong; the message names the field, the value and the fix.
    """
    try:
        content = read_document(path, "source")
    except DocumentError as error:
        raise SourceError(str(error)) from None
    if not isinstance(content, dict):
        raise SourceError(f"{path}: expected `kind:`, found {type(content).__name__}")
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SourceError(f"{path}:\n  kind: {kind!r} is no kind of source; write one of {', '.join(KINDS)}")
    try:
        return KINDS[kind].model_validate(content).beside(path.parent)
    except ValidationError as error:
        raise SourceError(f"{path}:\n" + "\n".join(problems(error))) from None
