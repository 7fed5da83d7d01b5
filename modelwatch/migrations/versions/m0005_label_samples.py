"""How many predictions of a window wait for a label, where not all of them may."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_table(
        "label_samples",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False, comment="of the predictions' window"),
        sa.Column("level", sa.Integer(), nullable=False, comment="ids that begin with so many 0 bits wait"),
        sa.Column("held", sa.BigInteger(), nullable=False, comment="predictions in the sample"),
        sa.Column("counts", sa.JSON(), nullable=False, comment="predictions, by their ids' leading 0 bits"),
        sa.PrimaryKeyConstraint("model", "start", name="pk_label_samples"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # a chunk stays in its page: what is out of line is looked up a second time
        op.execute("ALTER TABLE chunks SET (toast_tuple_target = 8160)")
