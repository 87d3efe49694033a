"""The tables, each marked fact or derived: facts are never dropped, derived ones are reproduced by `db rebuild`.

States are named here, "at most one" is a partial unique index, and times are whole microseconds since 1970 in
UTC, because SQLite has no zone-aware type and both databases must sort them alike.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return (moment - EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored as an integer."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else from_micros(value)


class Json(TypeDecorator[Any]):
    """Plain JSON values as text with sorted keys, so that equal values are equal text on both databases."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> str | None:
        return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

    def process_result_value(self, value: str | None, dialect: Any) -> Any:
        return None if value is None else orjson.loads(value)


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_FACT = {"kind": "fact"}
_DERIVED = {"kind": "derived"}
_QUEUE = {"kind": "derived", "queue": True}  # work still to do; says nothing about the world
_Text = sa.Text
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts rows by itself only in an INTEGER key


def _ref(prefix: str = "", *, primary_key: bool = False, nullable: bool = False) -> list[sa.Column[Any]]:
    return [
        sa.Column(f"{prefix}{part}", _Text, primary_key=primary_key, nullable=nullable and not primary_key)
        for part in ("connection", "object", "id")
    ]


# --- facts: what the systems said -------------------------------------------------------------------------------

connection = sa.Table(
    "connection",
    metadata,
    sa.Column("uid", _Text, primary_key=True),  # the org or portal; the name in YAML is a label
    sa.Column("name", _Text, nullable=False, unique=True),
    sa.Column("kind", _Text, nullable=False),
    sa.Column("bound_at", Moment, nullable=False),
    sa.Column("checked_at", Moment),
    sa.Column("heartbeat_at", Moment),  # when banners were last told that syncd is alive
    sa.Column("facts", Json, nullable=False),
    sa.Column("retired_at", Moment),  # from then on nothing is shown on its records any more
    info=_FACT,
)

cursor = sa.Table(
    "cursor",
    metadata,
    sa.Column("connection", _Text, primary_key=True),
    sa.Column("stream", _Text, primary_key=True),
    sa.Column("watermark", Moment),  # upper bound of the last window that was read whole
    sa.Column("complete_through", Moment),  # nothing created or changed before this is still unseen
    sa.Column("lower", Moment),  # the open window, if any
    sa.Column("upper", Moment),
    sa.Column("position", Json),  # where in the open window the next page begins
    sa.Column("rows", sa.BigInteger, nullable=False, default=0),
    sa.Column("spec_hash", _Text),  # what was read; another mapping opens a new first window
    sa.Column("newest_stamp", Moment),  # a metric, never the cursor
    sa.Column("run", _Text),
    sa.Column("looked_through", Moment),  # up to here stamps were read once more, for what surfaced late
    sa.Column("looked_at", Moment),
    info=_FACT,
)

sweep = sa.Table(
    "sweep",
    metadata,
    sa.Column("connection", _Text, primary_key=True),
    sa.Column("object", _Text, primary_key=True),
    sa.Column("state", _Text, nullable=False),  # reading -> ending -> done -> reading ...
    sa.Column("position", Json),  # where the next page begins
    sa.Column("rows", sa.BigInteger, nullable=False, default=0),
    sa.Column("counted", sa.BigInteger),  # what the system counted when it began
    sa.Column("counts", Json, nullable=False),  # what it has found so far
    sa.Column("spec_hash", _Text),
    sa.Column("started_at", Moment),
    sa.Column("finished_at", Moment),  # when everything was last read whole, by a sweep or a first pull
    sa.Column("run", _Text),
    sa.CheckConstraint("state IN ('reading','ending','done')", name="ck_sweep_state"),
    info=_FACT,
)

swept = sa.Table(
    "swept",
    metadata,
    sa.Column("source", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", _Text, primary_key=True),  # what the sweep under way has shown, not deleted
    sa.Column("partner", _Text),  # who filed it, where it is a filing
    info=_FACT,
)

unseen = sa.Table(
    "unseen",
    metadata,
    sa.Column("source", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", _Text, primary_key=True),  # held as it was last read; the system no longer shows it to us
    sa.Column("since", Moment, nullable=False),
    sa.Column("run", _Text, nullable=False),
    info=_FACT,
)

access = sa.Table(
    "access",
    metadata,
    sa.Column("connection", _Text, primary_key=True),
    sa.Column("object", _Text, primary_key=True),
    sa.Column("sees_all", sa.Boolean),  # proved, disproved, or not to be told
    sa.Column("evidence", _Text, nullable=False),
    sa.Column("records", sa.BigInteger),
    sa.Column("formulas", Json, nullable=False),
    sa.Column("checked_at", Moment, nullable=False),
    info=_FACT,
)

source = sa.Table(
    "source",
    metadata,
    sa.Column("number", _Id, primary_key=True),
    sa.Column("connection", _Text, nullable=False),
    sa.Column("object", _Text, nullable=False),
    sa.Column("streams", Json, nullable=False),  # the streams that its records were read for
    sa.UniqueConstraint("connection", "object"),
    info=_FACT,
)

record = sa.Table(
    "record",
    metadata,
    # a number for (connection, object): with both spelt out in each key a first pull takes half as long again
    sa.Column("source", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", _Text, primary_key=True),
    sa.Column("stream", _Text, nullable=False),
    sa.Column("fields", _Text, nullable=False),  # native facts as JSON text, keys sorted
    sa.Column("shown", _Text, nullable=False),  # native values of the fields that are ours
    sa.Column("hash", sa.LargeBinary(16), nullable=False),
    sa.Column("stamp", Moment, nullable=False),
    sa.Column("facts_at", Moment, nullable=False),  # source stamp with which the facts changed last, our stamps aside
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
    sa.Column("first_seen_at", Moment, nullable=False),
    sa.Column("read_at", Moment, nullable=False),
    sa.Column("written_at", Moment),  # when our newest receipt for it came: pages asked for earlier cannot undo it
    sa.Column("change", sa.BigInteger, nullable=False),  # position in the order of changes
    sa.Column("run", _Text, nullable=False),
    sa.Index("ix_record_change", "change"),  # no other index: each costs a first pull a fifth of its time
    info=_FACT,
)

record_version = sa.Table(
    "record_version",
    metadata,
    sa.Column("version", _Id, primary_key=True),
    *_ref(),
    sa.Column("fields", _Text, nullable=False),  # what the record said until `until`
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("stamp", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("until_stamp", Moment, nullable=False),
    sa.Column("run", _Text, nullable=False),
    sa.Index("ix_record_version_ref", "connection", "object", "id", "until_stamp"),
    info=_FACT,
)

ref_alias = sa.Table(
    "ref_alias",
    metadata,
    *_ref(primary_key=True),
    *_ref("to_"),
    sa.Column("cause", _Text, nullable=False),  # merged, converted, restored, migrated
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_ref_alias_to", "to_connection", "to_object", "to_id"),
    info=_FACT,
)

unreadable = sa.Table(
    "unreadable",
    metadata,
    sa.Column("connection", _Text, primary_key=True),
    sa.Column("stream", _Text, primary_key=True),
    sa.Column("id", _Text, primary_key=True),
    sa.Column("reason", _Text, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("run", _Text, nullable=False),
    info=_FACT,
)

# --- facts: what was decided and sent ------------------------------------------------------------------------------

hold = sa.Table(
    "hold",
    metadata,
    sa.Column("number", _Id, primary_key=True),
    sa.Column("connection", _Text, nullable=False),
    sa.Column("object", _Text, nullable=False),
    sa.Column("kind", _Text, nullable=False),  # vanished, empty, stalled, writes, halted
    sa.Column("what", _Text, nullable=False),
    sa.Column("evidence", Json, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("run", _Text),
    sa.Column("state", _Text, nullable=False),  # open -> lifted -> used
    sa.Column("lifted_at", Moment),
    sa.Column("lifted_by", _Text),
    sa.Column("reason", _Text),
    sa.CheckConstraint("state IN ('open','lifted','used')", name="ck_hold_state"),
    sa.Index(
        "uq_hold_open",
        "connection",
        "object",
        "kind",
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    ),
    info=_FACT,
)

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("seq", _Id, primary_key=True),
    sa.Column("kind", _Text, nullable=False),
    *_ref(),
    *_ref("other_", nullable=True),
    sa.Column("actor", _Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("effective_at", Moment, nullable=False),
    sa.Column("policy", _Text, nullable=False),
    sa.Column("rule", _Text, nullable=False),
    sa.Column("reason", _Text, nullable=False),
    sa.Column("evidence", Json, nullable=False),
    sa.Column("run", _Text),
    sa.Index("ix_decision_ref", "connection", "object", "id"),
    # a rule decides once: the same rule cannot record the same decision about a claim a second time
    sa.Index(
        "uq_decision_once",
        "connection",
        "object",
        "id",
        "kind",
        "rule",
        "effective_at",
        unique=True,
        sqlite_where=sa.text("actor LIKE 'rule:%'"),
        postgresql_where=sa.text("actor LIKE 'rule:%'"),
    ),
    info=_FACT,
)

policy_version = sa.Table(
    "policy_version",
    metadata,
    sa.Column("version", _Text, primary_key=True),
    sa.Column("content", Json, nullable=False),
    sa.Column("first_used_at", Moment, nullable=False),
    info=_FACT,
)

write = sa.Table(
    "write",
    metadata,
    sa.Column("number", _Id, primary_key=True),
    *_ref(),
    sa.Column("stream", _Text, nullable=False),
    sa.Column("grp", _Text, nullable=False),  # stamp or owner
    sa.Column("fields", Json, nullable=False),  # native names and values as sent
    sa.Column("before", Json, nullable=False),  # native values last seen
    sa.Column("because", Json, nullable=False),
    sa.Column("state", _Text, nullable=False),  # queued -> sent -> applied | failed; queued | sent -> superseded
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("code", _Text, nullable=False, default=""),
    sa.Column("message", _Text, nullable=False, default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sent_at", Moment),
    sa.Column("done_at", Moment),
    sa.Column("next_try_at", Moment),
    sa.Column("run", _Text, nullable=False),
    sa.Column("under", _Text),  # what a refusal may depend on, hashed
    sa.CheckConstraint("state IN ('queued','sent','applied','failed','superseded')", name="ck_write_state"),
    # at most one open write per record and group
    sa.Index(
        "uq_write_open",
        "connection",
        "object",
        "id",
        "grp",
        unique=True,
        sqlite_where=sa.text("state IN ('queued','sent')"),
        postgresql_where=sa.text("state IN ('queued','sent')"),
    ),
    sa.Index("ix_write_state", "state", "connection"),
    sa.Index("ix_write_ref", "connection", "object", "id", "grp", "number"),
    info=_FACT,
)

outside_edit = sa.Table(
    "outside_edit",
    metadata,
    sa.Column("number", _Id, primary_key=True),
    *_ref(),
    sa.Column("grp", _Text, nullable=False),  # stamp or owner
    sa.Column("before", Json, nullable=False),  # stamps, or the owner, as they were shown
    sa.Column("after", Json, nullable=False),  # what somebody else made of them
    sa.Column("at", Moment, nullable=False),  # the record's stamp with it
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("sure", sa.Boolean, nullable=False),  # a read by id has shown it too
    sa.Column("run", _Text),
    sa.Index("ix_outside_edit_ref", "connection", "object", "id", "grp", "number"),
    sa.Index("ix_outside_edit_seen", "connection", "grp", "seen_at"),
    info=_FACT,
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),  # gapless, taken last in its transaction
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", _Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # canonical bytes, hashed as stored
    sa.Column("previous", sa.LargeBinary(32), nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("mac", sa.LargeBinary(32)),  # HMAC of the hash with the referenced key, where one is configured
    info=_FACT,
)

ledger_private = sa.Table(
    "ledger_private",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("path", _Text, primary_key=True),
    sa.Column("salt", sa.LargeBinary(16), nullable=False),
    sa.Column("value", _Text, nullable=False),  # erasable: the chain holds only the salted commitment
    info=_FACT,
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", _Text, primary_key=True),
    sa.Column("job", _Text, nullable=False),
    sa.Column("connection", _Text),
    sa.Column("stream", _Text),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("finished_at", Moment),
    sa.Column("status", _Text, nullable=False),  # running, ok, partial, failed
    sa.Column("counts", Json, nullable=False),
    sa.Column("error", _Text),
    sa.Column("config", _Text),
    sa.Column("policy", _Text),
    sa.Column("holder", _Text),
    sa.Column("token", sa.BigInteger),
    sa.Index("ix_run_started_at", "started_at"),
    info=_FACT,
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", _Text, primary_key=True),
    sa.Column("holder", _Text, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),  # goes up with each change of holder
    sa.Column("expires_at", sa.BigInteger, nullable=False),  # microseconds on the database's clock
    info=_FACT,
)

credential = sa.Table(
    "credential",
    metadata,
    sa.Column("name", _Text, primary_key=True),  # of the connection
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # the token, encrypted for this connection alone
    sa.Column("began_with", sa.LargeBinary(32), nullable=False),  # hash of the token that the settings gave
    sa.Column("changed_at", Moment, nullable=False),
    info=_FACT,
)

counter = sa.Table(
    "counter",
    metadata,
    sa.Column("name", _Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
    info=_FACT,
)

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("number", _Id, primary_key=True),
    sa.Column("key", _Text, nullable=False),  # the same as long as it lasts
    sa.Column("sentence", _Text, nullable=False),
    sa.Column("raised_at", Moment, nullable=False),
    sa.Column("told_at", Moment),
    sa.Column("resolved_at", Moment),
    sa.Column("resolution_told_at", Moment),
    sa.Index(
        "uq_alert_open",
        "key",
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    ),
    info=_FACT,
)

organization = sa.Table(
    "organization",
    metadata,
    sa.Column("number", _Id, primary_key=True),
    *_ref("anchor_"),  # the record that the id stays with when an organization is split
    sa.Column("minted_at", Moment, nullable=False),
    sa.Column("split_from", sa.BigInteger),  # the organization that most of its records were in before
    sa.Index("ix_organization_anchor", "anchor_connection", "anchor_object", "anchor_id"),
    info=_FACT,
)

organization_alias = sa.Table(
    "organization_alias",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("to_number", sa.BigInteger, nullable=False),
    sa.Column("cause", _Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    info=_FACT,
)

statistics = sa.Table(
    "statistics",
    metadata,
    sa.Column("version", _Text, primary_key=True),
    sa.Column("content", Json, nullable=False),
    sa.Column("frozen_at", Moment, nullable=False),
    info=_FACT,
)

# --- derived: what follows from the facts ---------------------------------------------------------------------------

staged = sa.Table(
    "staged",
    metadata,
    *_ref(primary_key=True),
    sa.Column("stream", _Text, nullable=False),
    sa.Column("parent", _Text),  # ref of the account or company that the record hangs on
    sa.Column("key", _Text),  # a key other records name it by: partner key, user e-mail, registration key
    sa.Column("state", _Text, nullable=False),  # taken or unreadable
    sa.Column("problems", Json, nullable=False),
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Index("ix_staged_parent", "stream", "parent"),
    sa.Index("ix_staged_key", "stream", "key"),
    info=_DERIVED,
)

# Derived, so that a rebuild makes it again: from records, their filters and what could not be read. What changes
# without the record (returned by a rule, acknowledged by a receipt, no longer visible) is joined when it is asked for.
intake = sa.Table(
    "intake",
    metadata,
    *_ref(primary_key=True),
    sa.Column("state", _Text, nullable=False),  # taken, draft, filtered, unreadable, deleted
    sa.Column("partner", _Text),
    sa.Column("number", _Text),
    sa.Column("received_at", Moment),
    sa.Column("company", _Text),
    sa.Column("field", _Text),  # the filter that keeps it out, and the value that it has there
    sa.Column("value", _Text),
    sa.Column("reason", _Text, nullable=False, default=""),
    info=_DERIVED,
)

parsed = sa.Table(
    "parsed",
    metadata,
    *_ref(primary_key=True),
    sa.Column("role", _Text, nullable=False),  # direct or filed
    sa.Column("content", Json, nullable=False),
    sa.Column("parser", _Text, nullable=False),
    info=_DERIVED,
)

match_key = sa.Table(
    "match_key",
    metadata,
    sa.Column("key", _Text, primary_key=True),
    sa.Column("kind", _Text, primary_key=True),  # direct, filed: the side it is stored for; asking: of whom it is asked
    *_ref(primary_key=True),
    sa.Index("ix_match_key_ref", "connection", "object", "id"),
    info=_DERIVED,
)

rekeyed = sa.Table(
    "rekeyed",
    metadata,
    *_ref(primary_key=True),  # an account that came, went, or has other keys than before
    sa.Column("change", sa.BigInteger, nullable=False),  # position in the order of such changes
    sa.Index("ix_rekeyed_change", "change"),
    info=_QUEUE,
)

reach = sa.Table(
    "reach",
    metadata,
    *_ref(primary_key=True),  # a filed company that is compared with as many accounts as may be
    sa.Column("worth", sa.Integer, nullable=False),  # what the last of them shares with it, in hundredths of a bit
    sa.Column("last", _Text, nullable=False),
    info=_DERIVED,
)

edge = sa.Table(
    "edge",
    metadata,
    *_ref("a_", primary_key=True),
    *_ref("b_", primary_key=True),
    sa.Column("points", sa.Float, nullable=False),
    sa.Column("evidence", Json, nullable=False),
    sa.Index("ix_edge_b", "b_connection", "b_object", "b_id"),
    info=_DERIVED,
)

link = sa.Table(
    "link",
    metadata,
    *_ref("left_", primary_key=True),
    *_ref("right_", primary_key=True),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("points", sa.Float, nullable=False),
    sa.Column("band", _Text, nullable=False),
    sa.Column("judgement", _Text),
    sa.Column("evidence", Json, nullable=False),
    sa.Index("ix_link_right", "right_connection", "right_object", "right_id"),
    info=_DERIVED,
)

member = sa.Table(
    "member",
    metadata,
    *_ref(primary_key=True),
    sa.Column("organization", sa.BigInteger, nullable=False, index=True),
    info=_DERIVED,
)

claim = sa.Table(
    "claim",
    metadata,
    *_ref(primary_key=True),
    sa.Column("organization", sa.BigInteger, nullable=False, index=True),
    sa.Column("number", _Text, nullable=False, index=True),
    sa.Column("application", _Text, nullable=False),
    sa.Column("protection", _Text, nullable=False),
    sa.Column("until", Moment),
    sa.Column("content", Json, nullable=False),
    info=_DERIVED,
)

collision = sa.Table(
    "collision",
    metadata,
    sa.Column("id", _Text, primary_key=True),
    sa.Column("organization", sa.BigInteger, nullable=False, index=True),
    sa.Column("code", _Text, nullable=False),
    sa.Column("state", _Text, nullable=False),
    sa.Column("content", Json, nullable=False),
    info=_DERIVED,
)

wanted = sa.Table(
    "wanted",
    metadata,
    *_ref(primary_key=True),
    sa.Column("grp", _Text, primary_key=True),
    sa.Column("organization", sa.BigInteger, nullable=False, index=True),
    sa.Column("fields", Json, nullable=False),
    sa.Column("because", Json, nullable=False),
    info=_DERIVED,
)

unplanned = sa.Table(
    "unplanned",
    metadata,
    *_ref(primary_key=True),  # what is wanted or shown has changed since it was last compared
    info=_QUEUE,
)

unanswered = sa.Table(
    "unanswered",
    metadata,
    *_ref(primary_key=True),  # filings that changed, or whose company did: is there a group that answers for them?
    info=_QUEUE,
)

due = sa.Table(
    "due",
    metadata,
    sa.Column("organization", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, index=True),
    info=_DERIVED,
)

topic = sa.Table(
    "topic",
    metadata,
    sa.Column("name", _Text, primary_key=True),
    sa.Column("organization", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Index("ix_topic_organization", "organization"),
    info=_DERIVED,
)

unlinked = sa.Table(
    "unlinked",
    metadata,
    *_ref(primary_key=True),  # accounts whose parsed record changed since they were last linked
    sa.Column("role", _Text, nullable=False),  # what they were when they were last linked
    sa.Column("keys", Json, nullable=False),
    info=_QUEUE,
)

dirty = sa.Table(
    "dirty",
    metadata,
    sa.Column("organization", sa.BigInteger, primary_key=True, autoincrement=False),
    info=_QUEUE,
)

progress = sa.Table(
    "progress",
    metadata,
    sa.Column("name", _Text, primary_key=True),  # staged, linked: the change up to which a step has worked
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Column("versions", _Text, nullable=False, default=""),
    info=_QUEUE,
)


def derived_tables() -> list[sa.Table]:
    """Every table that `db rebuild` drops and reproduces."""
    return [table for table in metadata.sorted_tables if table.info["kind"] == "derived"]


def fact_tables() -> list[sa.Table]:
    """Every table that is never dropped."""
    return [table for table in metadata.sorted_tables if table.info["kind"] == "fact"]
