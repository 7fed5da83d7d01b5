"""Prediction logs from Apache Kafka: which cluster, which topics, and what their messages look like."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from prometheus_client import CollectorRegistry
from pydantic import BeforeValidator, Field, model_validator

from collector.schema import Part, Schema
from collector.secret import SecretError, secret
from collector.sources.mapping import FieldMap
from collector.sources.source import SourceError
from collector.store.database import Database

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
TOPIC = r"^[A-Za-z0-9._-]{1,249}$"
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _version(value: Any) -> Any:
    return str(value) if isinstance(value, float) else value  # YAML reads 2.3 as a number


def _variable(value: Any) -> Any:
    if value is not None and not (isinstance(value, str) and VARIABLE.fullmatch(value)):
        raise ValueError("put the secret in an environment variable, and that variable's name here")
    return value


VariableName = Annotated[str | None, BeforeValidator(_variable)]  # its errors do not show what was given


class Security(Part):
    """How to connect. Secrets are named: NAME, or NAME_FILE with the path of a file, in the environment."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    username: str | None = None
    password: VariableName = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: VariableName = None
    check_hostname: bool = True

    @model_validator(mode="after")
    def _complete(self) -> Self:
        sasl = (self.mechanism, self.username, self.password)
        if self.protocol.startswith("SASL") and None in sasl:
            raise ValueError(
                f"protocol {self.protocol} needs mechanism, username and password (the name of a variable)"
            )
        if not self.protocol.startswith("SASL") and sasl != (None, None, None):
            raise ValueError(
                f"protocol {self.protocol} takes no mechanism, username or password; use SASL_SSL"
            )
        files = (self.ca_file, self.cert_file, self.key_file, self.key_password)
        if not self.protocol.endswith("SSL") and files != (None, None, None, None):
            raise ValueError(f"protocol {self.protocol} takes no certificates; use SSL or SASL_SSL")
        return self

    def settings(self) -> dict[str, Any]:
        """What the client is configured with.

        Raises:
            SecretError: a secret is not there.
        """
        given = {
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username,
            "sasl_plain_password": self.password and secret(self.password),
            "ssl_cafile": self.ca_file and str(self.ca_file),
            "ssl_certfile": self.cert_file and str(self.cert_file),
            "ssl_keyfile": self.key_file and str(self.key_file),
            "ssl_password": self.key_password and secret(self.key_password),
        }
        found = {name: value for name, value in given.items() if value is not None}
        return found | {"security_protocol": self.protocol, "ssl_check_hostname": self.check_hostname}


class Topic(Part):
    """A topic, and what its messages are."""

    topic: str = Field(pattern=TOPIC)
    event: Literal["prediction", "label", "deployment"] | None = Field(
        default=None, description="What its messages are; left out, each says so in its field `kind`."
    )
    model: str | None = Field(default=None, description="The model of all its messages.")
    map: FieldMap | None = Field(
        default=None, description="Where the fields are; left out, it is our layout."
    )
    timestamp_unit: Literal["s", "ms", "us", "ns"] = "s"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.map is None:
            if self.timestamp_unit != "s":
                raise ValueError("timestamp_unit: needs a `map` that says where the timestamp is")
            return self
        if (self.model is None) == (self.map.model is None):
            raise ValueError("model: name the model, or its path in `map.model`; one of the two")
        if self.event is None and self.map.kind is None:
            raise ValueError("event: say prediction, label or deployment, or its path in `map.kind`")
        return self


class Kafka(Part):
    """A consumer group's share of some topics, committed together with the positions that follow it."""

    kind: Literal["kafka"]
    name: str | None = Field(
        default=None, pattern=NAME, description="Names positions and books; the group's name when left out."
    )
    bootstrap: tuple[str, ...] = Field(min_length=1)
    group: str = Field(default="modelwatch", pattern=NAME)
    topics: tuple[Topic, ...] = Field(min_length=1)
    start: Literal["earliest", "latest"] = Field(
        default="earliest", description="Where a partition begins that neither we nor the group know."
    )
    security: Security = Security(protocol="PLAINTEXT")
    api_version: Annotated[str | None, BeforeValidator(_version)] = Field(
        default=None, pattern=r"^\d+(\.\d+){1,2}$", description="Of the brokers; asked for when left out."
    )
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed"
    session_seconds: float = Field(
        default=45, ge=1, le=1800, description="A worker that is silent for so long is given up."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [topic.topic for topic in self.topics]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"topics: {sorted(twice)} more than once; keep one of each")
        for server in self.bootstrap:
            host, _, port = server.rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError(f"bootstrap: {server!r} is no host:port, such as kafka.example:9092")
        return self

    @property
    def source(self) -> str:
        """Its name in the books and in the positions."""
        return f"kafka:{self.name or self.group}"

    def beside(self, folder: Path) -> Self:
        """The same source, with the paths in it relative to a folder."""
        files = {
            name: folder / file
            for name in ("ca_file", "cert_file", "key_file")
            if (file := getattr(self.security, name)) is not None
        }
        return self.model_copy(update={"security": self.security.model_copy(update=files)})

    def ready(self) -> None:
        """Check the secrets and the files that it names.

        Raises:
            SourceError: one is missing.
        """
        try:
            self.security.settings()
        except SecretError as error:
            raise SourceError(f"{self.source}: {error}") from None
        for name in ("ca_file", "cert_file", "key_file"):
            file = getattr(self.security, name)
            if file is not None and not file.is_file():
                raise SourceError(f"{self.source}: security.{name}: {file} is no file; name a PEM file")

    def run(
        self,
        database: Database,
        schemas: Mapping[str, Schema],
        stop: threading.Event,
        registry: CollectorRegistry,
    ) -> None:
        """Fetch and commit until `stop` is set; outlasts outages of the brokers and of the database."""
        from collector.sources.kafka_worker import KafkaWorker  # noqa: PLC0415 - who has no Kafka need not load it

        KafkaWorker(self, database, schemas, registry).run(stop)
