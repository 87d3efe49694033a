"""What surrounds the records: owners, the account and its quota, the rules on properties, counts against limits."""

from __future__ import annotations

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context, Item
from syncd.emulator.hubspot.errors import refused
from syncd.emulator.hubspot.pipelines import Owner
from syncd.emulator.hubspot.rules import Validation
from syncd.emulator.hubspot.types import ObjectType
from syncd.emulator.hubspot.values import wire_time

MOST_OWNERS = 500
# How many records, properties and pipelines an account may have depends on what it bought; these are the emulator's.
MOST_RECORDS, MOST_CUSTOM_RECORDS, MOST_PIPELINES, MOST_TYPES = 15_000_000, 500_000, 15, 10


class Meta:
    """The resources that are not records."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal

    # --- owners

    def owners(self, call: Call) -> Reply:
        """GET owners: by id, at most 500 a page, `email` and `archived` as filters"""
        limit = self._context.whole_number(call, "limit", 100, MOST_OWNERS)
        archived, params = self._context.flag(call, "archived"), call.params()
        email, after = params.get("email", "").lower(), params.get("after") or "0"
        if not after.isdigit():
            raise self._context.bad(call, f"The after parameter is not valid: {after}")
        found = [one for one in self._by_id() if one.archived == archived and int(one.id) > int(after)]
        found = [one for one in found if not email or one.email.lower() == email]
        content: Item = {"results": [one.shown() for one in found[:limit]]}
        if len(found) > limit:
            content["paging"] = {"next": {"after": found[limit - 1].id}}
        return Reply.json(content, records=len(content["results"]))

    def _by_id(self) -> list[Owner]:
        return sorted(self._portal.owners.values(), key=lambda one: int(one.id))

    def owner(self, call: Call) -> Reply:
        """GET owners/{id}, `idProperty` id or userId"""
        by_user = call.params().get("idProperty") == "userId"
        archived = self._context.flag(call, "archived")
        for one in self._portal.owners.values():
            if call.args["id"] == (one.user_id if by_user else one.id) and one.archived == archived:
                return Reply.json(one.shown(), records=1)
        raise refused(404, "resource not found", "OBJECT_NOT_FOUND", call.id)

    # --- the account

    def account(self, call: Call) -> Reply:
        """GET account-info details"""
        return Reply.json(self._portal.account)

    def usage(self, call: Call) -> Reply:
        """GET account-info daily usage of private apps"""
        limiter, now = self._portal.limiter, self._portal.clock.now()
        row = {"name": "private-apps-api-calls-daily", "usageLimit": limiter.daily, "currentUsage": limiter.used,
               "collectedAt": wire_time(now), "fetchStatus": "SUCCESS",
               "resetsAt": wire_time(limiter.resets_at)}  # fmt: skip
        return Reply.json({"results": [row]})

    # --- rules on properties

    def validations(self, call: Call) -> Reply:
        """GET property-validations/{type}"""
        kind, rules = self._context.kind(call), self._portal.rules
        listed = [(name, rules.of_property(kind.name, name, self._context.variants))
                  for name in rules.properties(kind.name)]  # fmt: skip
        return Reply.json(
            {"results": [{"propertyName": name, "propertyValidationRules": found} for name, found in listed if found]}
        )

    def validation(self, call: Call) -> Reply:
        """GET property-validations/{type}/{property}"""
        return Reply.json({"results": self._rules(call)})

    def rule(self, call: Call) -> Reply:
        """GET property-validations/{type}/{property}/rule-type/{rule}"""
        found = next((one for one in self._rules(call) if one["ruleType"] == call.args["rule"].upper()), None)
        if found is None:
            raise refused(404, f"No rule of type {call.args['rule']}", "OBJECT_NOT_FOUND", call.id)
        return Reply.json(found)

    def put_rule(self, call: Call) -> Reply:
        """PUT property-validations/{type}/{property}/rule-type/{rule}"""
        kind, arguments = self._context.kind(call), call.json.get("ruleArguments")
        if not isinstance(arguments, list):
            raise self._context.bad(call, "Some required fields were not set: [ruleArguments]")
        try:
            made = Validation(call.args["rule"].upper(), tuple(map(str, arguments)),
                              bool(call.json.get("shouldApplyNormalization")))  # fmt: skip
        except ValueError as error:
            raise self._context.bad(call, str(error)) from None
        self._portal.rules.validate(kind.name, call.args["name"], made)
        return Reply(204)

    def _rules(self, call: Call) -> list[Item]:
        kind, name = self._context.kind(call), call.args["name"]
        if name not in self._portal.properties[kind.name]:
            raise refused(404, f"Property {name} does not exist", "OBJECT_NOT_FOUND", call.id)
        return self._portal.rules.of_property(kind.name, name, self._context.variants)

    # --- counts against limits

    def records(self, call: Call) -> Reply:
        """GET limits/records: how many records of each type there are, archived ones not counted"""
        own = [(kind, self._live(kind)) for kind in self._portal.types.all.values() if kind.custom]
        theirs = [_limited(kind, self._live(kind), MOST_RECORDS) for kind in self._standard()]
        return Reply.json({"hubspotDefinedObjectTypes": theirs,
                           "customObjectTypes": _overall(own, MOST_CUSTOM_RECORDS)})  # fmt: skip

    def custom_properties(self, call: Call) -> Reply:
        """GET limits/custom-properties"""
        definitions = self._portal.definitions
        counted = [(kind, sum(not one.standard for one in definitions.every(kind)))
                   for kind in self._portal.types.all.values()]  # fmt: skip
        content = _overall(counted, definitions.custom * len(counted))
        rows = [_limited(kind, usage, definitions.custom) for kind, usage in counted]
        return Reply.json(content | {"byObjectType": rows})

    def calculated_properties(self, call: Call) -> Reply:
        """GET limits/calculated-properties: of those that the account defined; there are none here"""
        counted = [(kind, sum(one.calculated and not one.standard for one in self._portal.definitions.every(kind)))
                   for kind in self._portal.types.all.values()]  # fmt: skip
        return Reply.json(_overall(counted, 200))

    def pipelines(self, call: Call) -> Reply:
        """GET limits/pipelines"""
        own = [(kind, len(self._portal.board.of(kind))) for kind in self._portal.types.all.values() if kind.custom]
        theirs = [_limited(kind, len(self._portal.board.of(kind)), MOST_PIPELINES) for kind in self._standard()
                  if self._portal.board.of(kind)]  # fmt: skip
        return Reply.json({"hubspotDefinedObjectTypes": theirs,
                           "customObjectTypes": _overall(own, MOST_PIPELINES * MOST_TYPES)})  # fmt: skip

    def custom_types(self, call: Call) -> Reply:
        """GET limits/custom-object-types"""
        used = sum(kind.custom for kind in self._portal.types.all.values())
        return Reply.json({"limit": MOST_TYPES, "usage": used, "percentage": _percent(used, MOST_TYPES)})

    def _standard(self) -> list[ObjectType]:
        return [kind for kind in self._portal.types.all.values() if not kind.custom]

    def _live(self, kind: ObjectType) -> int:
        return sum(1 for _ in self._portal.in_order(kind, archived=False))


def _named(kind: ObjectType, usage: int) -> Item:
    label = kind.name.removeprefix("p_").replace("_", " ").capitalize()
    return {"objectTypeId": kind.id, "singularLabel": kind.singular.removeprefix("p_").replace("_", " ").capitalize(),
            "pluralLabel": label, "usage": usage}  # fmt: skip


def _limited(kind: ObjectType, usage: int, limit: int) -> Item:
    return _named(kind, usage) | {"limit": limit, "percentage": _percent(usage, limit)}


def _overall(counted: list[tuple[ObjectType, int]], limit: int) -> Item:
    usage = sum(number for _, number in counted)
    return {"byObjectType": [_named(kind, number) for kind, number in counted], "overallLimit": limit,
            "overallUsage": usage, "overallPercentage": _percent(usage, limit)}  # fmt: skip


def _percent(usage: int, limit: int) -> float:
    return round(100 * usage / limit, 2) if limit else 0.0
