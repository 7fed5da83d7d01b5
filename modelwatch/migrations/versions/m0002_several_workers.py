"""Positions, shards, the prediction log's stage; texts without a limit, which PostgreSQL would enforce."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXTS = {
    "actions": "model name kind from_version to_version",
    "audit": "actor action target",
    "books": "source model",
    "deliveries": "source key",
    "deployments": "model version by",
    "incidents": "model rule acknowledged_by",
    "models": "model",
    "notifications": "model notifier",
    "progress": "model",
    "rejected": "source key model field",
    "verdicts": "model signal subject segment",
}
LONG_NUMBERS = ("audit", "incidents", "notifications", "rejected", "timeline", "verdicts")


def upgrade() -> None:
    """Apply the change."""
    for table, names in TEXTS.items():
        with op.batch_alter_table(table) as batch:
            for name in names.split():
                batch.alter_column(name, type_=sa.Text())
    if op.get_bind().dialect.name == "postgresql":
        for table in LONG_NUMBERS:
            op.alter_column(table, "id", type_=sa.BigInteger())
    for name in ("revision", "epoch"):
        comment = {"revision": "counts commits", "epoch": "counts compactions"}[name]
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0", comment=comment)
        op.add_column("models", column)
    _sharded_profiles()
    _blocks_and_chunks()
    _positions_and_stages()


def _sharded_profiles() -> None:
    op.create_table(
        "sharded",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("role", sa.String(10), nullable=False, comment="production or reference"),
        sa.Column("start", sa.BigInteger(), nullable=False, comment="of the predictions' window"),
        sa.Column(
            "known", sa.BigInteger(), nullable=False, comment="of the labels' window; 0: at prediction"
        ),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("shard", sa.BigInteger(), nullable=False, comment="whose it is; 0: compacted"),
        sa.Column("shape", sa.String(16), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.LargeBinary(), nullable=False),
    )
    op.execute(
        "INSERT INTO sharded SELECT model, role, start, known, version, segment, 0, shape, rows, profile"
        " FROM profiles"
    )
    op.drop_table("profiles")
    op.rename_table("sharded", "profiles")
    key = ["model", "role", "start", "known", "version", "segment", "shard"]
    with op.batch_alter_table("profiles") as batch:
        batch.create_primary_key("pk_profiles", key)


def _blocks_and_chunks() -> None:
    op.drop_table("blocks")  # ids are hashed otherwise now: what waited for its label is not carried over
    op.create_table(
        "blocks",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("side", sa.String(11), nullable=False, comment="predictions or labels"),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False, comment="the latest event time in it"),
        sa.Column(
            "revision", sa.BigInteger(), nullable=False, comment="of the model, when its newest rows came"
        ),
        sa.Column("header", sa.JSON(), nullable=False, comment="types and names of its columns"),
        sa.PrimaryKeyConstraint("id", name="pk_blocks"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_blocks_model", "blocks", ["model"])
    op.create_table(
        "chunks",
        sa.Column("block", NUMBER, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("first", sa.LargeBinary(8), nullable=False, comment="the smallest id hash, big-endian"),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.Column("columns", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("block", "place", name="pk_chunks"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for column in ("ids", "columns"):  # hashes do not compress: do not try
            op.execute(f"ALTER TABLE chunks ALTER COLUMN {column} SET STORAGE EXTERNAL")


def _positions_and_stages() -> None:
    op.create_table(
        "positions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("partition", sa.Text(), nullable=False),
        sa.Column(
            "following", sa.BigInteger(), nullable=False, comment="the first that is not committed yet"
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", "partition", name="pk_positions"),
    )
    op.create_table(
        "staged",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("file", sa.BigInteger(), nullable=True, comment="the log file that it is being written to"),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("batch", sa.LargeBinary(), nullable=False, comment="an Arrow IPC stream"),
        sa.PrimaryKeyConstraint("id", name="pk_staged"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_staged_model", "staged", ["model"])
    op.create_table(
        "halves",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("part", sa.String(10), nullable=False, comment="request or response"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", "id", "part", name="pk_halves"),
    )
    op.create_index("ix_halves_at", "halves", ["at"])
