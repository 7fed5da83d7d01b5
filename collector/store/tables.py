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
Name = sa.Text
Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers rows by INTEGER alone

models = sa.Table(
    "models",
    metadata,
    sa.Column("model", Name, primary_key=True),
    sa.Column("shape", sa.String(16), nullable=True),
    sa.Column("reference", sa.String(64), nullable=True, comment="names the reference data of the shape"),
    sa.Column("watermark", sa.BigInteger, nullable=False, comment="the latest event time"),
    sa.Column("live", sa.Boolean, nullable=False, comment="events come as they happen: no replay"),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="0", comment="counts commits"),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0", comment="counts compactions"),
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
positions = sa.Table(
    "positions",
    metadata,
    sa.Column("source", Name, primary_key=True),
    sa.Column("partition", Name, primary_key=True),
    sa.Column("following", sa.BigInteger, nullable=False, comment="the first that is not committed yet"),
    sa.Column("at", sa.BigInteger, nullable=False),
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
    sa.Column("role", sa.String(10), primary_key=True, comment="production, reference or daily"),
    sa.Column("start", sa.BigInteger, primary_key=True, comment="of the predictions' window"),
    sa.Column("known", sa.BigInteger, primary_key=True, comment="of the labels' window; 0: at prediction"),
    sa.Column("version", Name, primary_key=True),
    sa.Column("segment", Name, primary_key=True),
    sa.Column("shard", sa.BigInteger, primary_key=True, comment="whose it is; 0: compacted"),
    sa.Column("shape", sa.String(16), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("profile", sa.LargeBinary, nullable=False),
)
# what is not compacted yet is little, and is found without a look at the rest
sa.Index(
    "ix_profiles_apart",
    *(profiles.c[name] for name in ("model", "role", "start")),
    sqlite_where=profiles.c.shard != 0,
    postgresql_where=profiles.c.shard != 0,
)
samples = sa.Table(
    "samples",
    metadata,
    sa.Column("model", Name, primary_key=True),
    sa.Column("role", sa.String(10), primary_key=True, comment="production or reference"),
    sa.Column("start", sa.BigInteger, primary_key=True, comment="of the window"),
    sa.Column("shard", sa.BigInteger, primary_key=True, comment="whose it is; 0: merged"),
    sa.Column("piece", sa.BigInteger, primary_key=True, comment="one of several until they are merged"),
    sa.Column("sample", sa.LargeBinary, nullable=False, comment="an Arrow IPC stream"),
)
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(20), nullable=False, comment="database or profile"),
    sa.Column("model", Name, nullable=False, comment="empty for none"),
    sa.Column("name", sa.Text, nullable=False, comment="what it was, or where it is"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
blocks = sa.Table(
    "blocks",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("model", Name, nullable=False, index=True),
    sa.Column("side", sa.String(11), nullable=False, comment="predictions or labels"),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("newest", sa.BigInteger, nullable=False, comment="the latest event time in it"),
    sa.Column("revision", sa.BigInteger, nullable=False, comment="of the model, when its newest rows came"),
    sa.Column("header", sa.JSON, nullable=False, comment="types and names of its columns"),
    sqlite_autoincrement=True,  # an id is never used again
)
chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("block", Number, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("first", sa.LargeBinary(8), nullable=False, comment="the smallest id hash, big-endian"),
    sa.Column("ids", sa.LargeBinary, nullable=False),
    sa.Column("columns", sa.LargeBinary, nullable=False),
)
label_samples = sa.Table(
    "label_samples",
    metadata,
    sa.Column("model", Name, primary_key=True),
    sa.Column("start", sa.BigInteger, primary_key=True, comment="of the predictions' window"),
    sa.Column("level", sa.Integer, nullable=False, comment="ids that begin with so many 0 bits wait"),
    sa.Column("held", sa.BigInteger, nullable=False, comment="predictions in the sample"),
    sa.Column("counts", sa.JSON, nullable=False, comment="predictions, by their ids' leading 0 bits"),
)
staged = sa.Table(
    "staged",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("model", Name, nullable=False, index=True),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False, server_default="0", comment="when it was staged"),
    sa.Column("batch", sa.LargeBinary, nullable=False, comment="an Arrow IPC stream"),
    sqlite_autoincrement=True,  # an id is never used again
)
logs = sa.Table(
    "logs",
    metadata,
    sa.Column("model", Name, primary_key=True),
    sa.Column("waiting", sa.BigInteger, nullable=False, comment="bytes that are staged"),
    sa.Column("staged", sa.BigInteger, nullable=False, comment="rows that were ever staged"),
    sa.Column("written", sa.BigInteger, nullable=False, comment="rows that were written to files"),
    sa.Column("dropped", sa.BigInteger, nullable=False, comment="rows that found no room"),
    sa.Column("first", Number, nullable=True, comment="of the staged batches that are being written"),
    sa.Column("last", Number, nullable=True),
)
halves = sa.Table(
    "halves",
    metadata,
    sa.Column("source", Name, primary_key=True),
    sa.Column("id", Name, primary_key=True),
    sa.Column("part", sa.String(10), primary_key=True, comment="request or response"),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
rejected = sa.Table(
    "rejected",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
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
