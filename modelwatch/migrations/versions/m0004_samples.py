"""The stored samples of windows."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "samples",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("role", sa.String(10), nullable=False, comment="production or reference"),
        sa.Column("start", sa.BigInteger(), nullable=False, comment="of the window"),
        sa.Column("shard", sa.BigInteger(), nullable=False, comment="whose it is; 0: merged"),
        sa.Column("piece", sa.BigInteger(), nullable=False, comment="one of several until they are merged"),
        sa.Column("sample", sa.LargeBinary(), nullable=False, comment="an Arrow IPC stream"),
        sa.PrimaryKeyConstraint("model", "role", "start", "shard", "piece", name="pk_samples"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE samples ALTER COLUMN sample SET STORAGE EXTERNAL")  # it is packed already
