"""Guards of the lifecycle taken out: extensions, suspensions, transfers, proof, deadlines, appeals, programmes."""

from __future__ import annotations

from .planting import Bug

POLICY = "tests/policy"


def _bug(name: str, file: str, before: str, after: str, test: str) -> Bug:
    return Bug(name, f"syncd/policy/{file}.py", before, after, f"{POLICY}/{test}")


LIFECYCLE: tuple[Bug, ...] = (
    # --- what people do
    _bug(
        "an_extension_counts_from_now", "acts", "end = held.until if held is not None else at", "end = at",
        "test_acts.py::test_an_extension_counts_from_the_end_and_not_from_when_it_was_granted",
    ),
    _bug(
        "an_extension_without_a_cap", "acts",
        'if held.extensions >= terms.most and not filing.exempt("extension_limit"):', "if held.extensions > 99:",
        "test_acts.py::test_a_third_extension_is_over_the_cap_and_an_exemption_lets_it_pass",
    ),
    _bug(
        "an_extension_asked_for_at_the_end", "acts", "if asked >= held.end:", "if asked > held.end:",
        "test_acts.py::test_an_extension_asked_for_after_the_end_is_refused_and_names_the_way",
    ),
    _bug(
        "an_extension_over_somebody_else", "acts",
        "return _others_wait(filing, states, book) + _in_the_way(filing, held, made.effective_at, book)",
        "return _others_wait(filing, states, book)",
        "test_acts.py::test_once_the_next_in_line_holds_it_no_extension_takes_it_back",
    ),
    _bug(
        "an_extension_counted_once_only", "standing", "extensions=held.extensions + 1", "extensions=1",
        "test_acts.py::test_a_third_extension_is_over_the_cap_and_an_exemption_lets_it_pass",
    ),
    _bug(
        "a_grace_that_is_a_moment_longer", "acts",
        "if at >= held.end + timedelta(days=terms.grace_days):", "if at > held.end + timedelta(days=terms.grace_days):",
        "test_acts.py::test_after_the_grace_or_when_somebody_else_holds_it_nothing_is_brought_back",
    ),
    _bug(
        "a_suspended_protection_in_force", "standing",
        "return self.since <= now < self.end and self.suspended is None", "return self.since <= now < self.end",
        "test_acts.py::test_a_suspended_protection_keeps_its_place_and_its_end_and_is_not_in_force",
    ),
    _bug(
        "a_transfer_that_changes_nothing", "book", "key = holder or holder_of(", "key = holder_of(",
        "test_acts.py::test_a_transfer_passes_the_protection_on_as_it_is",
    ),
    _bug(
        "a_transfer_that_tells_the_first_partner", "stamps",
        'reason": shown_to_partner("transferred") if passed_on else reason',
        'reason": filing.registration.partner_id if passed_on else reason',
        "test_acts.py::test_the_first_partner_reads_that_it_was_passed_on_and_not_to_whom",
    ),
    _bug(
        "an_exemption_that_reaches_back", "book",
        "ready = [self.settled_at, *(d.effective_at for d in self.decisions if d.kind is DecisionKind.EXEMPTED)]",
        "ready = [self.settled_at]",
        "test_acts.py::test_an_exemption_lets_pass_one_rule_and_takes_effect_from_then_on",
    ),
    _bug(
        "an_exemption_from_everything", "book",
        'return any(d.kind is DecisionKind.EXEMPTED and d.evidence["rule"] == rule for d in self.decisions)',
        "return any(d.kind is DecisionKind.EXEMPTED for d in self.decisions)",
        "test_acts.py::test_an_exemption_from_one_rule_is_none_from_the_next",
    ),
    _bug(
        "withdrawn_by_a_person_and_judged_again", "book", "or (is_person(decided.actor) and not again):", "or again:",
        "test_acts.py::test_what_a_person_withdrew_undecided_stays_so_until_the_partner_sends_it_again",
    ),
    _bug(
        "acts_under_authority_source", "acts",
        "if filing.source_decides and not (act.source_too or lifting):", "if False:",
        "test_acts.py::test_where_the_source_decides_an_act_names_the_field_to_change_there",
    ),
    _bug(
        "an_act_before_what_it_rests_on", "acts",
        "return (mine.end if mine else None) != (theirs.end if theirs else None)", "return False",
        "test_acts.py::test_an_act_on_what_has_just_changed_by_itself_waits_for_the_next_cycle",
    ),
    _bug(
        "approved_by_who_filed_it", "desk", "if same_person(name, submitter, policy):", "if name == submitter:",
        "test_cases_lifecycle.py::test_case_75_nobody_approves_what_they_filed_themselves",
    ),
    # --- disputes
    _bug(
        "an_appeal_decided_by_the_same_person", "disputes",
        "for name in _deciders(collision, history, book)", "for name in ()",
        "test_disputes.py::test_an_appeal_changes_nothing_until_somebody_else_has_ruled",
    ),
    _bug(
        "a_final_ruling_that_is_not", "disputes", "    if history.after:\n", "    if not history:\n",
        "test_disputes.py::test_what_was_decided_on_appeal_is_final",
    ),
    _bug(
        "an_appeal_a_moment_too_late", "disputes", "    if made.at >= last:", "    if made.at > last:",
        "test_disputes.py::test_an_appeal_is_in_time_for_five_business_days",
    ),
    # --- time
    _bug(
        "weekends_that_count", "calendars", "return day.weekday() not in self.weekend and day not in self.holidays",
        "return day not in self.holidays",
        "test_calendars.py::test_hours_count_while_the_office_is_open",
    ),
    _bug(
        "office_hours_in_utc", "calendars", "return datetime.combine(day, clock, self.zone).astimezone(UTC)",
        "return datetime.combine(day, clock, UTC)",
        "test_calendars.py::test_office_hours_follow_the_clocks_through_the_change",
    ),
    _bug(
        "an_absence_that_ends_a_day_early", "desk",
        "if person.away_from <= today <= person.away_to else", "if person.away_from <= today < person.away_to else",
        "test_desk.py::test_while_somebody_is_away_the_deputy_is_asked",
    ),
    _bug(
        "silence_when_nobody_is_there", "desk",
        'return _seat(asked[0], managers, " ".join(why)) if asked else NOBODY', 'return Seat("", "")',
        "test_desk.py::test_when_everybody_is_away_and_no_queue_is_named_the_manager_is_asked_all_the_same",
    ),
    # --- what a form must prove
    _bug(
        "one_of_several_is_all_of_them", "proof", "if by_need[Need.ONE_OF] and met.isdisjoint(by_need[Need.ONE_OF]):",
        "if not met.issuperset(by_need[Need.ONE_OF]):",
        "test_proof.py::test_one_of_several_is_enough_and_the_answers_of_a_qualification_may_be_a_document",
    ),
    _bug(
        "a_kind_without_a_proof", "proof", 'if not named or not (proof or "").strip():', "if not named:",
        "test_proof.py::test_a_kind_without_a_proof_and_a_proof_without_a_kind_prove_nothing",
    ),
    _bug(
        "a_value_in_any_currency", "eligibility", "least = known.get(value.currency.upper())",
        "least = min(known.values())",
        "test_proof.py::test_a_value_is_compared_in_its_own_currency_and_never_without_one",
    ),
    _bug(
        "a_cooldown_for_everything", "eligibility",
        "if other is filing or held is None or not meets(held.products, filing.products):",
        "if other is filing or held is None:",
        "test_proof.py::test_after_its_protection_a_partner_waits_before_it_registers_the_same_again",
    ),
    _bug(
        "an_addition_that_nobody_checks", "edits", "    verdict = clash_of(delta, book)\n", "    verdict = None\n",
        "test_edits.py::test_what_stands_against_the_addition_leaves_what_was_granted_alone",
    ),
    _bug(
        "an_addition_before_its_time", "edits",
        "settled=horizon is not None and horizon >= settled_at and book.now >= settled_at,", "settled=True,",
        "test_edits.py::test_until_everything_that_came_earlier_is_known_nothing_is_added",
    ),
    # --- partners, programmes, benefits
    _bug(
        "a_suspended_partner_is_refused", "eligibility", "    if status == ON_HOLD:\n", "    if status == '':\n",
        "test_partners.py::test_nothing_of_a_suspended_partner_is_approved_by_itself_and_its_place_is_kept",
    ),
    _bug(
        "a_merger_that_is_not_followed", "book", "key = partner.partner_id  # what", "key = key  # what",
        "test_partners.py::test_what_a_merged_partner_filed_counts_as_the_other_ones",
    ),
    _bug(
        "a_programme_for_what_was_filed_before", "programmes",
        "begun = programme.from_on is None or programme.from_on <= day", "begun = True",
        "test_programmes.py::test_what_was_filed_before_a_programme_began_keeps_the_terms_it_was_filed_under",
    ),
    _bug(
        "benefits_that_a_later_quote_keeps", "benefits", "if held is None or not held.since <= at < held.end:",
        "if held is None or not held.since <= at <= held.end:",
        "test_benefits.py::test_benefits_go_with_the_protection_and_are_honoured_on_quotes_issued_before",
    ),
    _bug(
        "a_simulation_that_keeps_what_rules_said", "simulate",
        'said = tuple(d for d in group.decisions if d.actor.kind != "rule")', "said = group.decisions",
        "test_simulate.py::test_exactly_what_the_policy_decides_is_different",
    ),
    # --- requests, reminders, who decides, pre-checks
    _bug(
        "a_request_that_holds_as_shipped", "extensions", "if not terms.requests_hold or held.cut is not None:",
        "if held.cut is not None:",
        "test_extensions.py::test_a_request_out_of_time_or_as_shipped_holds_nobody_back",
    ),
    _bug(
        "a_request_that_holds_for_ever", "extensions", "        return grace\n",
        "        return grace.replace(year=2999)\n",
        "test_extensions.py::test_a_request_that_nobody_answers_holds_for_the_days_of_grace",
    ),
    _bug(
        "nobody_waits_for_requests_that_are_still_unseen", "collisions",
        "any(horizon is None or horizon < held.end for held in ended)", "False",
        "test_extensions.py::test_nobody_follows_before_every_request_from_before_the_end_can_have_been_seen",
    ),
    _bug(
        "a_reminder_a_moment_late", "reminders", "if due.at <= book.now and", "if due.at < book.now and",
        "test_reminders.py::test_a_reminder_is_due_at_its_instant_and_not_before",
    ),
    _bug(
        "reminders_of_an_end_that_was_moved", "reminders", "<= at < until and held.suspended is None",
        "<= at and held.suspended is None",
        "test_reminders.py::test_another_end_has_reminders_of_its_own_and_what_it_passed_over_is_not_told",
    ),
    _bug(
        "a_tolerance_that_is_not_tolerated", "edits", "* 100 <= tolerance * abs(", "* 100 < tolerance * abs(",
        "test_edits.py::test_case_35_a_value_beyond_the_tolerance_is_looked_at_and_takes_nothing_away",
    ),
    _bug(
        "somebody_of_the_same_group_approves", "desk", "if group.apart and all(", "if group.apart and not all(",
        "test_cases_lifecycle.py::test_case_75_groups_decide_and_nobody_for_themselves_under_any_name",
    ),
    _bug(
        "a_place_in_line_that_reads_otherwise", "precheck",
        "if state.application in (Application.REJECTED, Application.WAITING):",
        "if state.application is Application.REJECTED:",
        "test_precheck.py::test_case_127_whatever_stands_in_the_way_reads_the_same",
    ),
    _bug(
        "an_answer_as_soon_as_it_is_known", "precheck", "began + max(-((began - now) // step), 1) * step", "now",
        "test_precheck.py::test_case_127_an_answer_comes_after_the_same_time_or_a_multiple_of_it",
    ),
    _bug(
        "a_policy_agreed_to_by_one", "versions", "first is not None and first.actor != made.actor", "first is not None",
        "test_versions.py::test_with_the_key_nothing_holds_before_two_people_have_agreed",
    ),
    _bug(
        "a_rule_of_two_that_is_left_out", "versions",
        "if not named.two_people and (last is None or not last.policy.two_people):", "if not named.two_people:",
        "test_versions.py::test_leaving_the_key_out_does_not_get_round_it_and_two_people_may_give_it_up",
    ),
    _bug(
        "disagreements_with_what_was_adopted", "disagreements",
        "kept = tuple(d for d in group.decisions if d.kind not in theirs)", "kept = group.decisions",
        "test_disagreements.py::test_what_the_source_decided_otherwise_is_listed_with_the_rule",
    ),
)  # fmt: skip
"""Each bug with the test that finds it."""
