"""The tables of verdicts, incidents, actions and audit. `at` is event time, `recorded` the clock's."""

from __future__ import annotations

import sqlalchemy as sa

from collector.store.tables import Name, Number, metadata

verdicts = sa.Table(
    "verdicts",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("model", Name, nullable=False),
    sa.Column("start", sa.BigInteger, nullable=False),
    sa.Column("end", sa.BigInteger, nullable=False),
    sa.Column("known_at", sa.BigInteger, nullable=False),
    sa.Column("signal", Name, nullable=False),
    sa.Column("subject", Name, nullable=False, comment="empty for none"),
    sa.Column("segment", Name, nullable=False, comment="empty for all rows"),
    sa.Column("value", sa.Float, nullable=True),
    sa.Column("lower", sa.Float, nullable=True),
    sa.Column("upper", sa.Float, nullable=True),
    sa.Column("threshold", sa.Float, nullable=True),
    sa.Column("verdict", sa.String(12), nullable=False),
    sa.Column("alert", sa.Boolean, nullable=False),
    sa.Column("diagnosis", sa.Text, nullable=True),
    sa.UniqueConstraint("model", "start", "signal", "subject", "segment"),
)
sa.Index("ix_verdicts_series", verdicts.c.model, verdicts.c.signal, verdicts.c.subject, verdicts.c.start)
progress = sa.Table(
    "progress",
    metadata,
    sa.Column("model", Name, primary_key=True),
    sa.Column("judged_until", sa.BigInteger, nullable=False),
    sa.Column("trackers", sa.JSON, nullable=False),
)
incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("model", Name, nullable=False, index=True),
    sa.Column("rule", Name, nullable=False),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("status", sa.String(12), nullable=False, index=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("resolved_at", sa.BigInteger, nullable=True),
    sa.Column("resolution", sa.Text, nullable=True),
    sa.Column("acknowledged_by", Name, nullable=True),
    sa.Column("suspect", sa.JSON, nullable=True, comment="the deployment that came nearest before it"),
    sa.Column("subjects", sa.JSON, nullable=False),
)
timeline = sa.Table(
    "timeline",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("incident", sa.Integer, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("recorded", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
notifications = sa.Table(
    "notifications",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("incident", sa.Integer, nullable=False, index=True),
    sa.Column("model", Name, nullable=False),
    sa.Column("notifier", Name, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("state", sa.String(10), nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", sa.BigInteger, nullable=False),
    sa.Column("error", sa.Text, nullable=True),
)
actions = sa.Table(
    "actions",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True, comment="also the idempotency key of its request"),
    sa.Column("incident", sa.Integer, nullable=False, index=True),
    sa.Column("model", Name, nullable=False),
    sa.Column("name", Name, nullable=False),
    sa.Column("kind", Name, nullable=False),
    sa.Column("state", sa.String(12), nullable=False, index=True),
    sa.Column("from_version", Name, nullable=False),
    sa.Column("to_version", Name, nullable=False),
    sa.Column("subjects", sa.JSON, nullable=False, comment="what must recover"),
    sa.Column("proposed_at", sa.BigInteger, nullable=False),
    sa.Column("executed_at", sa.BigInteger, nullable=True),
    sa.Column("deadline", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger, nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_try", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=True),
)
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("recorded", sa.BigInteger, nullable=False),
    sa.Column("actor", Name, nullable=False),
    sa.Column("action", Name, nullable=False),
    sa.Column("target", Name, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
)
