"""The collector's tables. Times are microseconds since 1970, UTC."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
Name = sa.String(200)

models = sa.Table(
    "models",
    metadata,
    sa.Column("model", Name, primary_key=True),
    sa.Column("shape", sa.String(16), nullable=True),
    sa.Column("reference", sa.String(64), nullable=True, comment="names the reference data of the shape"),
    sa.Column("watermark", sa.BigInteger, nullable=False, comment="the latest event time"),
    sa.Column("live", sa.Boolean, nullable=False, comment="events come as they happen: no replay"),
)
shapes = sa.Table(
    "shapes",
    metadata,
    sa.Column("digest", sa.String(16), primary_key=True),
    sa.Column("spaces", sa.Text, nullable=False),
)
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("source", Name, primary_key=True),
    sa.Column("key", Name, primary_key=True, comment="the idempotency key"),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("receipt", sa.JSON, nullable=False),
)
books = sa.Table(
    "books",
    metadata,
    sa.Column("source", Name, primary_key=True),
    sa.Column("model", Name, primary_key=True, comment="empty for events that name no monitored model"),
    *(
        sa.Column(name, sa.BigInteger, nullable=False)
        for name in ("received", "accepted", "duplicate", "rejected")
    ),
)
profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("model", Name, primary_key=True),
    sa.Column("role", sa.String(10), primary_key=True, comment="production or reference"),
    sa.Column("start", sa.BigInteger, primary_key=True, comment="of the predictions' window"),
    sa.Column("known", sa.BigInteger, primary_key=True, comment="of the labels' window; 0: at prediction"),
    sa.Column("version", Name, primary_key=True),
    sa.Column("segment", sa.String(1300), primary_key=True),
    sa.Column("shape", sa.String(16), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("profile", sa.LargeBinary, nullable=False),
)
blocks = sa.Table(
    "blocks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("model", Name, nullable=False, index=True),
    sa.Column("side", sa.String(10), nullable=False, comment="predictions or labels"),
    sa.Column("level", sa.Integer, nullable=False),
    sa.Column("newest", sa.BigInteger, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("block", sa.LargeBinary, nullable=False),
)
rejected = sa.Table(
    "rejected",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("source", Name, nullable=False),
    sa.Column("key", Name, nullable=False),
    sa.Column("model", Name, nullable=False, index=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("field", Name, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("fix", sa.Text, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
)
deployments = sa.Table(
    "deployments",
    metadata,
    sa.Column("model", Name, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True),
    sa.Column("version", Name, primary_key=True),
    sa.Column("by", Name, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)
