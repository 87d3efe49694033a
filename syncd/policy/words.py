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
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Words:
    """One reason for each reader; an auditor reads what was decided, and what the partner was let know.

    `shown` is the code that a partner may see (docs/rulings.md 10, domain.md 7).
    """

    shown: str
    partner: str
    rep: str
    manager: str

    def to(self, audience: Audience) -> str:
        """The text for one audience."""
        if audience is Audience.AUDITOR:
            return f"{self.manager} The partner was let know `{self.shown}`: {self.partner}"
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
    "partner_on_hold": Words(
        "in_review",
        _IN_REVIEW,
        "A filing waits for approval.",
        "The partner is suspended (`syncd partners`); decide, or reinstate the partner.",
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
    "missing_proof": Words(
        "missing_proof",
        "Please show how you work with this company, such as by a meeting or what you found out, and send it again.",
        "A filing went back to the partner for more information.",
        "The relationship is not proved as the policy asks; the filing went back to the partner.",
    ),
    "value_without_currency": Words(
        "value_without_currency",
        "Please give the value of the deal with its currency, and send the form again.",
        "A filing went back to the partner for a correction.",
        "The value has no currency, so it cannot be compared; the filing went back to the partner.",
    ),
    "below_minimum": Words(
        "below_minimum",
        "The value is below what can be registered.",
        "A filing was not approved; nothing changes for you.",
        "The value is below the minimum of the policy for its currency.",
    ),
    "too_late": Words(
        "too_late",
        "The deal closes too soon to be registered.",
        "A filing was not approved; nothing changes for you.",
        "The expected close date is nearer than the policy allows.",
    ),
    "cooldown": Words(
        "cooldown",
        "Your protection for this deal ended a short time ago. Please file it again later.",
        "A filing was not approved; nothing changes for you.",
        "The same partner's protection ended less than the cool-down ago.",
    ),
    "speculative": Words(
        "in_review",
        _IN_REVIEW,
        "A filing waits for approval.",
        "The filing shows signs of being speculative; decide whether the partner works on it.",
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
    "own_deal_unsure": Words(
        "in_review",
        _IN_REVIEW,
        "A partner has filed a deal that may be this one. Carry on.",
        "An opportunity fits this registration and says nothing of a partner: if it is the partner's own deal, write "
        "the registration's number on it; else approve or reject.",
    ),
    "deal_unnamed": Words(
        "in_review",
        _IN_REVIEW,
        "A partner has filed another deal here, or the same one again.",
        "The same partner has an earlier registration for these products, and no opportunity tells the two deals "
        "apart: write the number of each on its opportunity, or reject.",
    ),
    "family_too_large": Words(
        "in_review",
        _IN_REVIEW,
        "A filing is being checked.",
        "The company belongs to more companies than the policy decides about as one; look at the group, and decide.",
    ),
    "tender_published": Words(
        "tender_published",
        "The tender for this deal was published before an approval, so that it is open to everybody.",
        "A filing for a published tender is looked at or was not approved; it is open to every bidder.",
        "The tender was published before the approval could take effect: nobody is protected, and all bidders get the "
        "same price.",
    ),
    "lead_passed_on": Words(
        "not_available",
        _NOT_AVAILABLE,
        "A filing on a company whose lead was passed to a partner is looked at or was not approved.",
        "You passed this company to a partner as a lead shortly before.",
    ),
    "lead_received": Words(
        "in_review",
        _IN_REVIEW,
        "A partner has filed a lead that it had from you.",
        "You passed this company to this partner as a lead; decide whether it is registered.",
    ),
    "house_account": Words(
        "not_available",
        _NOT_AVAILABLE,
        "A filing on this house account is looked at or was not approved.",
        "The company is a house account.",
    ),
    "renewal": Words(
        "in_review",
        _IN_REVIEW,
        "A partner has filed the renewal of what it sold here.",
        "A contract is up for renewal, and this partner sold it last; approve it as a renewal, or say why not.",
    ),
    "evidence_unsure": Words(
        "in_review",
        _IN_REVIEW,
        "A partner has filed a deal that may be yours. Carry on.",
        "A direct opportunity was open before the filing, and it is not known whether it was active then.",
    ),
    "too_many_records": Words(
        "in_review",
        _IN_REVIEW,
        "A filing is being checked.",
        "An approval would mark more records than the policy allows; look at the links of this company first.",
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
    "check_products": Words(
        "in_review",
        _IN_REVIEW,
        "This deal names no products and may be protected: check its products.",
        "The opportunity names no products, and some of the company's are protected.",
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
    "revoked": Words(
        "ended_early",
        "The protection has ended. Please ask your channel manager; you may appeal.",
        "The protection has ended.",
        "A person took the protection back.",
    ),
    "released": Words(
        "released",
        "The protection was released, as was asked for.",
        "The protection has ended.",
        "The protection was released, by the partner or at the word of the customer.",
    ),
    "suspended": Words(
        "in_review",
        _IN_REVIEW,
        "A claim is being looked at. Keep serving the customer.",
        "The protection is suspended until a person decides.",
    ),
    "transferred": Words(
        "transferred",
        "This registration has been passed on, and its protection with it. Please ask your channel manager.",
        "The claim has passed to another partner.",
        "The claim was passed on to another partner.",
    ),
}
"""Reason codes (docs/rulings.md 5, 9, 10)."""

REMINDERS: dict[str, dict[Audience, str]] = {
    "ending": {
        Audience.PARTNER: "The protection of {number} ends on {until}, in {days}. An extension has to be asked for "
        "before that.",
        Audience.MANAGER: "The protection of {number} ({partner}) ends on {until}, in {days}.",
    },
    "ended": {
        Audience.PARTNER: "The protection of {number} ended on {until}. Your channel manager can tell you what is "
        "possible now.",
        Audience.MANAGER: "The protection of {number} ({partner}) ended on {until}.",
    },
    "unanswered": {
        Audience.PARTNER: "There is a question about {number} that has waited for your answer for {days}. You keep "
        "your place.",
    },
    "waiting": {
        Audience.PARTNER: "There is no decision about {number} yet. You keep your place from the time of filing.",
    },
    "requested": {
        Audience.MANAGER: "{partner} has asked for an extension of {number} beyond {until}: grant or refuse it.",
    },
    "overdue": {
        Audience.MANAGER: "{number} ({partner}) should have been decided by now, and is yours to decide.",
    },
}
"""What is said to whom when something is due (docs/rulings.md 13)."""

PRECHECKS: dict[str, str] = {
    "yes": "As things stand this can be registered. Only a registration gives a place and a protection.",
    "no": "As things stand this cannot be granted. Your channel manager can tell you what is possible; whoever "
    "registers has a place from the time of filing.",
    "pending": "Somebody has to look at this first. Whoever registers has a place from the time of filing.",
}
"""What a partner reads who asked beforehand: the same words for the same answer, whatever the cause."""

CODES: dict[Code, str] = {
    Code.C00: "the partner's own deal in the direct CRM: no collision",
    Code.C01: "the same partner filed the same deal twice",
    Code.C03: "two partners, same company and product: the first was approved when the second came",
    Code.C06: "two partners, same company and product, filed at the same moment",
    Code.C07: "two partners, same company and product: the second came while the first was undecided",
    Code.C08: "a direct opportunity was open and active before the filing",
    Code.C09: "a direct opportunity was opened while the protection was in force",
    Code.C10: "a direct opportunity was opened between filing and approval",
    Code.C11: "your own team was in contact with the company before the filing, without an opportunity",
    Code.C13: "a direct opportunity was lost shortly before the filing",
    Code.C14: "the company is a customer already",
    Code.C15: "a renewal: the partner who sold it last keeps it",
    Code.C17: "the company is a named account",
    Code.C18: "the company is a house account",
    Code.C19: "another claim on a company of the same group; both stand",
    Code.C20: "two protections that were granted apart meet since records were merged or linked",
    Code.C26: "the deal of a protection lies on the account of another company",
    Code.C44: "the vendor passed the company to a partner as a lead shortly before",
    Code.C53: "a direct opportunity qualifies only by what was entered after the filing, which adds nothing",
}
"""What each collision code means (domain.md 5)."""

SEVERITY: tuple[Code, ...] = (
    Code.C00, Code.C17, Code.C18, Code.C15, Code.C14, Code.C01, Code.C08, Code.C11, Code.C44, Code.C13,
    Code.C20, Code.C26, Code.C03, Code.C06, Code.C07, Code.C10, Code.C09, Code.C19, Code.C53,
)  # fmt: skip
"""The order in which collisions weigh, the most severe first: that of the rules 5.6 to 5.11, then what informs."""

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

MAY_BE_PROTECTED = (
    "This deal may be protected: {partner} holds {scope} until {until}. Check its products, or ask {contact}."
)
"""What both read on a deal that names no products, where some are protected."""

ONE_OF_SEVERAL = "It ends first of {count} protections here."
"""What both read beside that, on an account that carries several."""


def reason_words(code: str) -> Words:
    """The words of a reason code; a code from elsewhere is shown to insiders as it is, and to partners as a review."""
    return REASONS.get(code) or Words("in_review", _IN_REVIEW, code, code)


def shown_to_partner(code: str) -> str:
    """The code that a partner may see instead of `code` (docs/rulings.md 10)."""
    return reason_words(code).shown if code else ""
