"""Every code in words, one text per audience: nothing here accuses anybody or forbids talking to a customer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncd.model import Application, Code, StampStatus


class Audience(StrEnum):
    """Who reads."""

    PARTNER = "partner"
    REP = "rep"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Words:
    """One reason for three readers. `shown` is the code that a partner may see (docs/rulings.md 10, domain.md 7)."""

    shown: str
    partner: str
    rep: str
    manager: str

    def to(self, audience: Audience) -> str:
        """The text for one audience."""
        return {Audience.PARTNER: self.partner, Audience.REP: self.rep, Audience.MANAGER: self.manager}[audience]


_NOT_AVAILABLE = "This registration cannot be granted. Your channel manager can tell you about the way to appeal."
_IN_REVIEW = "Your registration is being looked at. Nothing is needed from you now."
_APPROVED = "Your registration is approved."

REASONS: dict[str, Words] = {
    "settling": Words(
        "settling",
        "Received. You keep your place from the time of filing.",
        "A partner has filed this deal; a decision follows shortly.",
        "Waiting until every system has shown what came earlier.",
    ),
    "source_decides": Words(
        "settling",
        "Received. You keep your place from the time of filing.",
        "A partner has filed this deal; the partner portal decides.",
        "The partner portal decides about this filing; syncd reports what it found.",
    ),
    "match_unsure": Words(
        "in_review",
        _IN_REVIEW,
        "A partner has filed a deal that may be about this company.",
        "Say whether the company in the filing is this account; then the rules go on.",
    ),
    "partner_unknown": Words(
        "in_review",
        _IN_REVIEW,
        "A filing is being checked.",
        "The filing names a partner that the list of partners does not have; add the partner or correct the key.",
    ),
    "partner_inactive": Words(
        "partner_inactive",
        "Your partner account is not active at present. Please ask your channel manager.",
        "A filing was not approved; nothing changes for you.",
        "The partner is not active, so the filing was not approved.",
    ),
    "missing_fields": Words(
        "missing_fields",
        "Something is missing. Please complete the form and send it again.",
        "A filing went back to the partner for more information.",
        "Required fields are empty; the filing went back to the partner.",
    ),
    "first_contact_in_future": Words(
        "first_contact_in_future",
        "The date of first contact is after the day of filing. Please correct it.",
        "A filing went back to the partner for a correction.",
        "The date of first contact is after the day of filing; it went back to the partner.",
    ),
    "first_contact_too_old": Words(
        "first_contact_too_old",
        "The first contact was too long ago. A new contact makes a new registration possible.",
        "A filing was not approved; nothing changes for you.",
        "The first contact is older than the policy allows.",
    ),
    "named_account": Words(
        "not_available",
        _NOT_AVAILABLE,
        "A filing on this named account was not approved.",
        "The company is a named account.",
    ),
    "existing_customer": Words(
        "not_available",
        _NOT_AVAILABLE,
        "A filing on this customer was not approved.",
        "The company is a customer already.",
    ),
    "duplicate": Words(
        "duplicate",
        "You have filed this deal before; the earlier registration counts.",
        "A second filing of the same deal was closed.",
        "The same partner has an earlier registration for the same products.",
    ),
    "direct_engaged": Words(
        "not_available",
        _NOT_AVAILABLE,
        "Your deal stands.",
        "A direct opportunity was open and active before the filing.",
    ),
    "recently_lost": Words(
        "in_review",
        _IN_REVIEW,
        "A partner has filed a deal shortly after ours was lost here.",
        "A direct opportunity was lost shortly before; decide whether this is a new start.",
    ),
    "tie": Words(
        "in_review",
        _IN_REVIEW,
        "Two claims. Keep serving the customer.",
        "Two partners filed at the same moment; decide which claim stands.",
    ),
    "waiting": Words(
        "in_queue",
        "You are in line. Your place counts from the time of filing, and we come back to you by ourselves.",
        "Another partner is in line for this deal.",
        "Valid, and in line behind an earlier claim.",
    ),
    "needs_approval": Words(
        "in_review",
        _IN_REVIEW,
        "A filing waits for approval.",
        "Every rule has let it through; it waits for your approval.",
    ),
    "not_visible": Words(
        "in_review",
        _IN_REVIEW,
        "A filing waits for approval.",
        "syncd does not see everything in the direct CRM, so a person has to approve.",
    ),
    "outside": Words(
        "in_review",
        _IN_REVIEW,
        "An older filing is still undecided.",
        "Filed before go-live and undecided there; syncd does not judge it. Approve or reject it yourself.",
    ),
    "not_dated": Words(
        "in_review",
        _IN_REVIEW,
        "A filing is being checked.",
        "The source gives no time of filing, so it has no place in the line.",
    ),
    "first_registered": Words(
        "first_registered",
        _APPROVED,
        "A partner was first to register this deal.",
        "First valid registration for this company and product.",
    ),
    "adopted": Words(
        "adopted",
        _APPROVED,
        "The partner portal approved this deal.",
        "Approved in the partner portal and taken over from there.",
    ),
    "approved_by_person": Words(
        "approved_by_person",
        _APPROVED,
        "A channel manager approved this deal.",
        "Approved by a person.",
    ),
    "ruled": Words(
        "approved_by_person",
        _APPROVED,
        "A channel manager decided between two claims.",
        "Decided by a person between two claims.",
    ),
    "ruled_against": Words(
        "not_available",
        _NOT_AVAILABLE,
        "A channel manager decided between two claims.",
        "A person decided for the other claim.",
    ),
    "rejected_by_person": Words(
        "rejected_by_person",
        _NOT_AVAILABLE,
        "A filing was not approved.",
        "Not approved by a person.",
    ),
    "rejected_by_source": Words(
        "adopted",
        "This registration was not granted.",
        "A filing was not approved in the partner portal.",
        "Not approved in the partner portal.",
    ),
    "returned_by_person": Words(
        "returned_by_person",
        "There is a question about your registration. Please answer it and send the form again.",
        "A filing went back to the partner with a question.",
        "Sent back to the partner with a question.",
    ),
    "expired": Words(
        "expired",
        "The protection has ended.",
        "The protection has ended.",
        "The protection ran to its end.",
    ),
    "ended_early": Words(
        "not_available",
        "The protection has ended. Please ask your channel manager.",
        "The protection has ended.",
        "The protection ended before its time by a decision.",
    ),
}
"""Reason codes (docs/rulings.md 5, 9, 10)."""

CODES: dict[Code, str] = {
    Code.C00: "the partner's own deal in the direct CRM: no collision",
    Code.C01: "the same partner filed the same deal twice",
    Code.C03: "two partners, same company and product: the first was approved when the second came",
    Code.C06: "two partners, same company and product, filed at the same moment",
    Code.C07: "two partners, same company and product: the second came while the first was undecided",
    Code.C08: "a direct opportunity was open and active before the filing",
    Code.C09: "a direct opportunity was opened while the protection was in force",
    Code.C10: "a direct opportunity was opened between filing and approval",
    Code.C13: "a direct opportunity was lost shortly before the filing",
    Code.C14: "the company is a customer already",
    Code.C17: "the company is a named account",
}
"""What each collision code means (domain.md 5)."""

APPLICATIONS: dict[Application, str] = {
    Application.DRAFT: "a draft that the partner has not filed",
    Application.PENDING: "filed; it is decided as soon as everything earlier is known",
    Application.REVIEW: "waits for a person",
    Application.WAITING: "valid, in line behind an earlier claim",
    Application.RETURNED: "went back to the partner",
    Application.APPROVED: "approved",
    Application.REJECTED: "not approved",
    Application.WITHDRAWN: "withdrawn by the partner",
    Application.OUTSIDE: "not judged by syncd",
}
"""Where an application stands, in words."""

BANNERS: dict[StampStatus, tuple[str, str]] = {
    StampStatus.PENDING: (
        "A partner has filed this deal. Carry on; promise nothing exclusive.",
        "A claim is being checked.",
    ),
    StampStatus.PROTECTED: (
        "{partner} holds {scope} until {until}. Bring in {contact}.",
        "Please do not prospect {scope}. If the customer calls, take the call and tell {contact}.",
    ),
    StampStatus.REVIEW: (
        "A claim is under review. {contact} decides. Keep serving the customer.",
        "A claim is under review. {contact} decides. Keep serving the customer.",
    ),
    StampStatus.DIRECT: ("Your deal stands. The partner has been told.", ""),
    StampStatus.ENDED: ("Protection ended {until}.", "Protection ended {until}."),
}
"""What the owner of a stamped record reads, and what another rep reads (DESIGN 2)."""


def reason_words(code: str) -> Words:
    """The words of a reason code; a code from elsewhere is shown to insiders as it is, and to partners as a review."""
    return REASONS.get(code) or Words("in_review", _IN_REVIEW, code, code)


def shown_to_partner(code: str) -> str:
    """The code that a partner may see instead of `code` (docs/rulings.md 10)."""
    return reason_words(code).shown if code else ""
