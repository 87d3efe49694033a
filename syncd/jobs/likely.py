"""Likely deals: opportunities that say nothing of a partner and fit a registration all the same (C00)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from syncd.jobs.work import Work
from syncd.matching.deals import Customs, Filing, own_deals
from syncd.model import Band, Likely, Opportunity, Partner, Ref, Registration
from syncd.policy.claim_terms import Unsure


def likely_deals(
    work: Work,
    registrations: Sequence[Registration],
    opportunities: Sequence[Opportunity],
    partners: Mapping[str, Partner],
) -> dict[Ref, Likely]:
    """The registration that each opportunity of one group may mean, where the policy asks a person about that.

    What a registration key tells is no question, and both sides are one organization here.
    """
    if work.policy.direct_means.unsure is not Unsure.REVIEW:
        return {}
    own = work.policy.own_deals
    customs = Customs(frozenset(own.lead_sources), timedelta(days=own.within_days))
    names = {key: frozenset({partner.name}) for key, partner in partners.items()}
    filed = [Filing(r, names.get(r.partner_id or "", frozenset())) for r in registrations]
    unsaid = [o for o in opportunities if not (o.registration_key or "").strip()]
    found = own_deals(filed, unsaid, lambda registration, opportunity: Band.AUTO, customs)
    return {
        deal.opportunity: Likely(
            deal.registration, deal.score, "; ".join(e.sentence for e in deal.evidence if e.points > 0)
        )
        for deal in found
    }
