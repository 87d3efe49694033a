"""Rules of claims bent: windows by one, evidence read as it is now, ties turned round, scope left out."""

from __future__ import annotations

from .planting import Bug

CLAIMS = "tests/policy/test_claims.py"
EVIDENCE = "tests/policy/test_evidence.py"
OLD = "tests/policy/test_collisions.py"
PAST = "tests/jobs/test_past.py"

BUGS: tuple[Bug, ...] = (
    Bug(
        "evidence_of_the_instant_itself_missed",
        "syncd/policy/evidence.py",
        "bisect_right(versions, moment, key=lambda version: version.since) - 1",
        "sum(version.since < moment for version in versions) - 1",
        f"{EVIDENCE}::test_C53_what_changed_at_the_very_instant_of_filing_counts",
    ),
    Bug(
        "evidence_as_it_is_now",
        "syncd/policy/evidence.py",
        "version = versions[max(found, 0)]",
        "version = versions[-1]",
        f"{EVIDENCE}::test_C53_an_old_record_that_was_changed_so_as_to_qualify_adds_nothing",
    ),
    Bug(
        "entry_of_an_activity_not_looked_at",
        "syncd/policy/evidence.py",
        "max(happened, entered) <= moment",
        "happened <= moment",
        f"{EVIDENCE}::test_C53_an_activity_counts_by_when_it_happened_and_when_it_was_entered",
    ),
    Bug(
        "machines_count_as_people",
        "syncd/policy/evidence.py",
        "if then.is_human and happened",
        "if happened",
        f"{EVIDENCE}::test_C08_what_a_machine_sent_wakes_no_deal",
    ),
    Bug(
        "list_of_today",
        "syncd/policy/evidence.py",
        "return entry.from_on <= moment.date()",
        "return True",
        f"{EVIDENCE}::test_C17_the_list_counts_as_it_was_when_the_claim_was_received",
    ),
    Bug(
        "last_day_of_a_list_included",
        "syncd/policy/evidence.py",
        "entry.until_on <= moment.date()",
        "entry.until_on < moment.date()",
        f"{EVIDENCE}::test_C17_the_list_counts_as_it_was_when_the_claim_was_received",
    ),
    Bug(
        "later_activity_wakes_a_deal",
        "syncd/policy/own_deals.py",
        "(None if later else last, told)",
        "(last, told)",
        f"{EVIDENCE}::test_C08_where_only_a_later_activity_is_known_a_person_looks",
    ),
    Bug(
        "unknown_activity_counts_as_none",
        "syncd/policy/own_deals.py",
        "if not sure and (known or not later):",
        "if not sure:",
        f"{EVIDENCE}::test_C08_where_only_a_later_activity_is_known_a_person_looks",
    ),
    Bug(
        "deal_that_lay_elsewhere_counts",
        "syncd/policy/own_deals.py",
        "if not brought and self._was_here(then):",
        "if not brought:",
        f"{EVIDENCE}::test_C53_an_old_record_that_was_changed_so_as_to_qualify_adds_nothing",
    ),
    Bug(
        "what_a_partner_brought_then_counts_as_direct",
        "syncd/policy/own_deals.py",
        "brought = _has(then.registration_key) or self._from_partner(then)",
        "brought = False",
        f"{EVIDENCE}::test_C53_an_old_record_that_was_changed_so_as_to_qualify_adds_nothing",
    ),
    Bug(
        "cooldown_longer_by_an_instant",
        "syncd/policy/own_deals.py",
        "        if fixed[i].at <= since:",
        "        if fixed[i].at < since:",
        f"{OLD}::test_C13_a_fresh_loss_is_looked_at",
    ),
    Bug(
        "own_deal_engages_against_its_registration",
        "syncd/policy/own_deals.py",
        "                self.own[opportunity.ref] = owner\n            elif",
        "                direct.append(opportunity)\n            elif",
        "tests/policy/test_own_deals.py",
    ),
    Bug(
        "only_the_first_code_listed",
        "syncd/policy/collisions.py",
        "first = replace(first, clashes=(*first.clashes, *(_beside(first, c) for c in verdict.clashes)))",
        "pass",
        f"{EVIDENCE}::test_all_codes_that_apply_are_listed_the_most_severe_first",
    ),
    Bug(
        "refused_and_still_open",
        "syncd/policy/collisions.py",
        "return clash if clash.winner is not None else replace(clash, winner=clash.other, rule=first.rule)",
        "return clash",
        f"{EVIDENCE}::test_all_codes_that_apply_are_listed_the_most_severe_first",
    ),
    Bug(
        "tie_turned_round",
        "syncd/policy/ties.py",
        "(one if ours > theirs else two)",
        "(two if ours > theirs else one)",
        f"{CLAIMS}::test_C06_the_earlier_instant_stands_where_the_policy_says_so",
    ),
    Bug(
        "tie_by_what_was_filled_in_later",
        "syncd/policy/ties.py",
        "return said if said is not None else",
        "return said if said is None else",
        f"{CLAIMS}::test_C06_what_is_filled_in_later_does_not_make_a_form_more_complete",
    ),
    Bug(
        "late_fact_decided_in_silence",
        "syncd/policy/collisions.py",
        'winner, rule = None, "late_fact"',
        "pass",
        f"{EVIDENCE}::test_C03_an_earlier_claim_that_surfaces_late_waits_and_a_person_is_asked",
    ),
    Bug(
        "late_direct_deal_not_listed",
        "syncd/policy/informing.py",
        "for rule in (not_named, not_house, new_logo, direct_first):",
        "for rule in (not_named, not_house, new_logo):",
        f"{EVIDENCE}::test_a_late_direct_opportunity_opens_a_dispute_and_changes_nothing_by_itself",
    ),
    Bug(
        "another_policy_makes_late_facts",
        "syncd/policy/informing.py",
        'if approval.actor.kind != "rule" or approval.policy_version != book.version:',
        'if approval.actor.kind != "rule":',
        f"{EVIDENCE}::test_a_stricter_policy_makes_no_late_fact",
    ),
    Bug(
        "scope_ignored_after_a_merge",
        "syncd/policy/informing.py",
        "!= partner and meets(f.products, grant.products))",
        "!= partner)",
        f"{CLAIMS}::test_C20_two_countries_both_stand_after_a_merge",
    ),
    Bug(
        "territory_ignored",
        "syncd/policy/scope.py",
        "return _share(products_in(a), products_in(b)) and _share(a - products_in(a), b - products_in(b))",
        "return _share(products_in(a), products_in(b))",
        f"{CLAIMS}::test_C05_claims_meet_in_products_and_in_territory",
    ),
    Bug(
        "products_ignored_in_one_territory",
        "syncd/policy/scope.py",
        "return _share(products_in(a), products_in(b)) and _share(a - products_in(a), b - products_in(b))",
        "return _share(a, b)",
        f"{CLAIMS}::test_C05_claims_meet_in_products_and_in_territory",
    ),
    Bug(
        "dated_back_filing_gains_a_place",
        "syncd/policy/book.py",
        "return says if again and says is not None and says > at else at",
        "return says",
        f"{EVIDENCE}::test_C28_a_submission_stamp_that_is_moved_back_later_gains_no_place",
    ),
    Bug(
        "renewal_longer_by_a_day",
        "syncd/policy/eligibility.py",
        "filing.day < contract.ends_on + days",
        "filing.day <= contract.ends_on + days",
        f"{CLAIMS}::test_C15_needs_a_contract_for_these_products_that_runs_or_has_just_ended",
    ),
    Bug(
        "renewal_of_anybody",
        "syncd/policy/eligibility.py",
        "return opportunity, owner.registration.partner_id == filing.registration.partner_id",
        "return opportunity, True",
        f"{CLAIMS}::test_C15_what_another_partner_brought_by_number_is_that_partners_renewal",
    ),
    Bug(
        "decisions_do_not_wait_for_activities",
        "syncd/jobs/decide.py",
        "if side.waited_for & set(feed.streams):",
        "if (side.waited_for - {Stream.ACTIVITIES}) & set(feed.streams):",
        f"{PAST}::test_activities_decide_whether_a_deal_was_active_and_decisions_wait_for_them",
    ),
    Bug(
        "history_done_instead_of_undone",
        "syncd/jobs/past.py",
        "now[str(change.field)] = change.before",
        "now[str(change.field)] = change.after",
        f"{PAST}::test_changes_before_the_first_reading_are_undone_one_after_the_other",
    ),
)
