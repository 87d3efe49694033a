"""What daemons tell people about themselves, and what became of writes; nothing that was there is touched."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _alerts()


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("number", _ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolution_told_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alert")),
    )
    still = sa.text("resolved_at IS NULL")
    op.create_index("uq_alert_open", "alert", ["key"], unique=True, sqlite_where=still, postgresql_where=still)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup instead: facts are never dropped.")
