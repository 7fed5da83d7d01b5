"""Which part of a request is which feature, and which part of a response is the score or the prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from collector.document import DocumentError, problems, read_document
from collector.schema import EmbeddingFeature, Part, Schema
from collector.sources.bodies import request_frame, response_frame
from collector.sources.frame import Frame, UnreadableError
from collector.sources.outcome import Output, outcomes

Event = dict[str, Any]


class Layout(Part):
    """How the bodies of a model's requests and responses are read.

    Attributes:
        features: the names of the values in rows that are plain lists, in their order; the monitor's
            features, embeddings by their columns, when left out.
        tensors: the same for tensors with several values a row, by the tensor's name.
        outputs: which outputs are the score and the prediction; by the monitor's task when left out.
    """

    features: tuple[str, ...] = ()
    tensors: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    outputs: tuple[Output, ...] = ()

    def events(self, schema: Schema, request: Any, response: Any, base: Event) -> list[Event]:
        """A request and its response as prediction events, one for each instance.

        Args:
            schema: the model's.
            request: the body, as JSON has it.
            response: the body, or None where there was none, or it was an error.
            base: what all of them share; the id of the i-th of several ends in `/i`.

        Raises:
            UnreadableError: one of the bodies cannot be read, or they do not belong together.
        """
        asked = request_frame(request)
        features = self._features(asked, schema)
        told: Mapping[str, list[Any]] = {}
        if response is not None:
            answered = response_frame(response)
            if answered.rows != asked.rows:
                reason = f"it has {answered.rows} rows for {asked.rows} instances"
                raise UnreadableError("response", None, reason, "log the whole response of each request")
            told = outcomes(answered, self.outputs, schema)
            if not base.get("version") and answered.version:
                base = base | {"version": answered.version}
        events = []
        for at in range(asked.rows):
            event = base | {"features": {name: values[at] for name, values in features.items()}}
            event.update((name, values[at]) for name, values in told.items())
            if asked.rows > 1 and base.get("id") not in (None, ""):
                event["id"] = f"{base['id']}/{at}"
            events.append(event)
        return events

    def _features(self, frame: Frame, schema: Schema) -> dict[str, list[Any]]:
        """The monitor's features and segments, by name."""
        columns: dict[str, list[Any]] = {}
        for name, values in frame.columns.items():
            columns.update(self._named(name, values, schema, alone=len(frame.columns) == 1))
        for name, spec in schema.features.items():
            if isinstance(spec, EmbeddingFeature) and spec.columns and name not in columns:
                parts = [columns[part] for part in spec.columns if part in columns]
                if len(parts) == len(spec.columns):
                    columns[name] = [list(row) for row in zip(*parts, strict=True)]
        wanted = (*schema.features, *schema.segments)
        if not any(name in columns for name in wanted):
            reason = "it holds none of the model's features"
            fix = f"name its values: features: [...] or tensors: {{name: [...]}}; monitored are {[*wanted]}"
            raise UnreadableError("request", sorted(frame.columns), reason, fix)
        return {name: columns[name] for name in wanted if name in columns}

    def _named(self, name: str, values: list[Any], schema: Schema, *, alone: bool) -> Mapping[str, list[Any]]:
        """One column of a request as the columns that it stands for."""
        names = self.tensors.get(name)
        if names is None:
            if isinstance(schema.features.get(name), EmbeddingFeature):
                return {name: values}
            if not any(isinstance(value, list) for value in values) and name:
                return {name: values}
            if all(isinstance(value, list) and len(value) == 1 for value in values) and name:
                return {name: [value[0] for value in values]}
            if not alone:
                return {}  # a tensor that the monitor does not watch
            names = self.features or tuple(_expanded(schema))
        return _split(name, values, names)


def load_layout(path: Path) -> Layout:
    """Read a layout from a YAML file.

    Raises:
        DocumentError: it cannot be read, or is wrong; the message names the field, the value and the fix.
    """
    try:
        return Layout.model_validate(read_document(path, "layout"))
    except ValidationError as error:
        raise DocumentError(f"{path}:\n" + "\n".join(problems(error))) from None


def _expanded(schema: Schema) -> Sequence[str]:
    """The names of the features, embeddings by their columns."""
    return [
        column
        for name, spec in schema.features.items()
        for column in (spec.parts(name) if isinstance(spec, EmbeddingFeature) else (name,))
    ]


def _split(field: str, values: list[Any], names: Sequence[str]) -> Mapping[str, list[Any]]:
    """Rows of several values as a column for each name."""
    rows = [value if isinstance(value, list) else [value] for value in values]
    for at, row in enumerate(rows):
        if len(row) != len(names):
            where = f"{field or 'instances'}.{at}"
            reason = f"it has {len(row)} values for the {len(names)} names {list(names)}"
            raise UnreadableError(
                where, values[at], reason, "put a name for each under features: or tensors:"
            )
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
