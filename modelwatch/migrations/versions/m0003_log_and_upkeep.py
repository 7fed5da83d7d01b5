"""The prediction log's counts, what was quarantined, and an index of what is not compacted yet."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply the change."""
    staged_at = sa.Column(
        "at", sa.BigInteger(), nullable=False, server_default="0", comment="when it was staged"
    )
    op.add_column("staged", staged_at)
    op.drop_column("staged", "file")  # the claim is the log's: SQLite would copy the batch to change its row
    op.create_table(
        "logs",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False, comment="bytes that are staged"),
        sa.Column("staged", sa.BigInteger(), nullable=False, comment="rows that were ever staged"),
        sa.Column("written", sa.BigInteger(), nullable=False, comment="rows that were written to files"),
        sa.Column("dropped", sa.BigInteger(), nullable=False, comment="rows that found no room"),
        sa.Column("first", NUMBER, nullable=True, comment="of the staged batches that are being written"),
        sa.Column("last", NUMBER, nullable=True),
        sa.PrimaryKeyConstraint("model", name="pk_logs"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False, comment="database or profile"),
        sa.Column("model", sa.Text(), nullable=False, comment="empty for none"),
        sa.Column("name", sa.Text(), nullable=False, comment="what it was, or where it is"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    apart = sa.text("shard != 0")
    columns = ["model", "role", "start"]
    op.create_index("ix_profiles_apart", "profiles", columns, sqlite_where=apart, postgresql_where=apart)
    if op.get_bind().dialect.name == "postgresql":
        roles = "production, reference or daily"
        op.alter_column("profiles", "role", existing_type=sa.String(10), comment=roles)
        op.execute("ALTER TABLE staged ALTER COLUMN batch SET STORAGE EXTERNAL")  # is read once, and soon
