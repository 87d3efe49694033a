"""What policy decides about: the claims that meet in one group, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from syncd.model.decisions import Decision
from syncd.model.links import Link
from syncd.model.records import (
    Account,
    Activity,
    Contract,
    Lead,
    ListEntry,
    Opportunity,
    Partner,
    Registration,
    User,
)
from syncd.model.refs import Ref
from syncd.model.writes import Wanted


class Code(StrEnum):
    """Collision codes; the meanings are what `syncd why` prints."""

    C00 = "C00"  # own deal: the registration's own opportunity, never a collision
    C01 = "C01"  # same partner, same scope, filed twice
    C03 = "C03"  # two partners, same account, shared product: the first was approved when the second came
    C06 = "C06"  # two partners, received within the tie window
    C07 = "C07"  # two partners: the second came while the first was undecided
    C08 = "C08"  # an earlier, open, active direct opportunity
    C09 = "C09"  # a direct opportunity created after the protection was granted
    C10 = "C10"  # a direct opportunity created after submission, before approval
    C11 = "C11"  # two-way direct contact shortly before, without an opportunity
    C13 = "C13"  # a direct opportunity lost shortly before
    C14 = "C14"  # an existing customer
    C15 = "C15"  # a renewal
    C17 = "C17"  # a named account
    C18 = "C18"  # a house account
    C19 = "C19"  # a claim on another company of the same group
    C20 = "C20"  # two protections in force that came to meet, by a merge or a link
    C26 = "C26"  # the deal of a protection lies on another company's account
    C44 = "C44"  # a lead that the vendor has passed to a partner
    C53 = "C53"  # direct evidence that qualifies only by what was entered after submission


class Application(StrEnum):
    """Where the application of a registration stands."""

    DRAFT = "draft"
    PENDING = "pending"  # settling: something that came earlier may still be unseen
    REVIEW = "review"  # waits for a person
    WAITING = "waiting"  # valid, behind another partner's live claim
    RETURNED = "returned"  # sent back with questions
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    OUTSIDE = "outside"  # filed before go-live and undecided there: never judged by syncd


class Protection(StrEnum):
    """Where the protection of an approved registration stands."""

    NONE = "none"
    ACTIVE = "active"
    EXPIRED = "expired"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Collision:
    """Two claims that meet. `other` is the opportunity, account or registration on the other side.

    `state` is `ruled` (a rule or a person decided) or `open` (a person has to); `winner` is the ref of the
    claim that stands, None while open. `sentence` says it in words; `evidence` holds plain JSON values.
    """

    code: Code
    registration: Ref
    other: Ref
    state: str
    rule: str
    winner: Ref | None
    sentence: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same collision has the same id in every run."""
        return f"{self.code}-{self.registration.id}-{self.other.id}"


@dataclass(frozen=True, slots=True)
class RegistrationState:
    """What syncd holds of one registration now; computed, never stored as truth."""

    ref: Ref
    number: str
    partner_id: str | None
    partner_name: str | None
    application: Application
    protection: Protection
    received_at: datetime | None
    since: datetime | None = None
    until: datetime | None = None
    products: frozenset[str] = frozenset()
    reason: str = ""
    detail: str = ""
    behind: Ref | None = None
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class FiledCompany:
    """The account record a registration is about, and how it is linked to the direct CRM.

    `best` is the best link when there is one at all, whatever its band.
    """

    account: Account
    best: Link | None


@dataclass(frozen=True, slots=True)
class Version:
    """What a record of the direct CRM said from `since` on, until the next version.

    `observed` is False where that is not what was read at the time, but was inferred from a later version.
    """

    since: datetime
    record: Account | Opportunity | Activity | ListEntry | Contract
    observed: bool = True


@dataclass(frozen=True, slots=True)
class Relative:
    """A registration about another company of the same group of companies; `tie` says how they belong together."""

    registration: Registration
    company: str
    tie: str


@dataclass(frozen=True, slots=True)
class Likely:
    """A registration that an opportunity may mean although nothing on it says so, how sure that is, and why."""

    registration: Ref
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class ClaimGroup:
    """The unit of decision: everything that can contest everything else in it.

    `accounts` and `opportunities` are the direct CRM's, `registrations` the filed claims with their companies
    (by registration ref), `partners` by partner key, `managers` the direct CRM's users by lower-case e-mail.
    `decisions` are all recorded decisions about these registrations, oldest first. `horizon` is the time up to
    which every stream that could contest is complete. `authority` and `clock_error` (seconds) come from each
    registration's connection; `visible` is False when a direct connection does not show everything.

    An own deal may lie on an account of another group. `pushed` are opportunities out there whose registration key
    names a registration of this group: they are stamped here. `elsewhere` are opportunities of this group that are
    stamped by another group for that reason.

    `past` holds the versions of each record that has not always said what it says now, oldest first, the current one
    last. `activities` are what people did on these accounts and opportunities, by the record they hang on; `lists` the
    entries of named, house and excluded lists on these accounts, `contracts` their contracts, `leads` the leads that
    belong to them. `relatives` are registrations about other companies of their group of companies. `likely` names for
    opportunities that say nothing of a partner the registration that each may mean. `complete` is False when the group
    is a whole family of companies that was too large to be looked at as one.
    """

    id: str
    accounts: tuple[Account, ...]
    opportunities: tuple[Opportunity, ...]
    registrations: tuple[Registration, ...]
    companies: Mapping[Ref, FiledCompany]
    partners: Mapping[str, Partner]
    managers: Mapping[str, User]
    decisions: tuple[Decision, ...]
    horizon: datetime | None
    go_live: datetime
    authority: Mapping[str, str]
    clock_error: Mapping[str, float] = field(default_factory=dict)
    visible: bool = True
    pushed: tuple[Opportunity, ...] = ()
    elsewhere: frozenset[Ref] = frozenset()
    counts: Mapping[Ref, Mapping[str, int]] = field(default_factory=dict)
    past: Mapping[Ref, tuple[Version, ...]] = field(default_factory=dict)
    activities: Mapping[Ref, tuple[Activity, ...]] = field(default_factory=dict)
    lists: tuple[ListEntry, ...] = ()
    contracts: tuple[Contract, ...] = ()
    leads: tuple[Lead, ...] = ()
    relatives: tuple[Relative, ...] = ()
    likely: Mapping[Ref, Likely] = field(default_factory=dict)
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `decide` returns for one group: new decisions to record, and what is shown and wanted because of all.

    `wanted` covers every account and opportunity of the group and every registration, an empty stamp included,
    so that what is no longer wanted is cleared. `next_due` is the next instant at which time alone changes
    the outcome. `topics` are what was read from outside the group, such as `partner:P07` or `policy:3f2a`.
    """

    decisions: tuple[Decision, ...]
    collisions: tuple[Collision, ...]
    states: tuple[RegistrationState, ...]
    wanted: tuple[Wanted, ...]
    next_due: datetime | None
    topics: frozenset[str]
