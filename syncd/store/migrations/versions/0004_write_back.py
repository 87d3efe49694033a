"""Writing back, what daemons tell people about themselves, and the order in which the keys of accounts changed.

Nothing that was there is touched.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("connection", sa.Column("retired_at", sa.BigInteger(), nullable=True))
    op.create_index("ix_ref_alias_to", "ref_alias", ["to_connection", "to_object", "to_id"], unique=False)
    _alerts()
    _edits_of_others()
    op.create_table(
        "rekeyed",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "id", name=op.f("pk_rekeyed")),
    )
    op.create_index("ix_rekeyed_change", "rekeyed", ["change"], unique=False)


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


def _edits_of_others() -> None:
    op.add_column("write", sa.Column("under", sa.Text(), nullable=True))
    op.create_table(
        "outside_edit",
        sa.Column("number", _ID, nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("grp", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("run", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outside_edit")),
    )
    op.create_index("ix_outside_edit_ref", "outside_edit", ["connection", "object", "id", "grp", "number"])
    op.create_index("ix_outside_edit_seen", "outside_edit", ["connection", "grp", "seen_at"])
