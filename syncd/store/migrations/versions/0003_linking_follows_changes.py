"""Linking follows changes: keys by side, what filed companies ask for, how far their lists reach.

What matching made of the accounts is derived; it is made again, with the keys of each side.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REF = ("connection", "object", "id")


def _ref() -> list[sa.Column]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in _REF]


def upgrade() -> None:
    op.drop_table("match_key")
    op.drop_table("unlinked")
    op.execute("DELETE FROM parsed")
    op.execute("DELETE FROM edge")
    op.execute("DELETE FROM progress WHERE name IN ('staged', 'linked')")
    op.create_table(
        "match_key",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *_ref(),
        sa.PrimaryKeyConstraint("key", "kind", *_REF, name=op.f("pk_match_key")),
    )
    op.create_index("ix_match_key_ref", "match_key", list(_REF), unique=False)
    op.create_table(
        "reach",
        *_ref(),
        sa.Column("worth", sa.Integer(), nullable=False),
        sa.Column("last", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(*_REF, name=op.f("pk_reach")),
    )
    op.create_table(
        "unlinked",
        *_ref(),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(*_REF, name=op.f("pk_unlinked")),
    )
    op.create_index(
        "ix_organization_anchor",
        "organization",
        ["anchor_connection", "anchor_object", "anchor_id"],
        unique=False,
    )
