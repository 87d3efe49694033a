"""Currencies and exchange rates over HTTP."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.hubspot.context import Context, Item
from syncd.emulator.hubspot.currencies import NAMES, Rate
from syncd.emulator.hubspot.errors import Rejected, refused
from syncd.emulator.hubspot.pipelines import EPOCH
from syncd.emulator.hubspot.values import parsed_time, wire_time

MOST = 100


class Money:
    """The resources below /settings/currencies."""

    def __init__(self, context: Context) -> None:
        self._context, self._portal = context, context.portal

    def codes(self, call: Call) -> Reply:
        """GET codes: every currency that can be added"""
        known = dict.fromkeys([*NAMES, *self._portal.currencies.codes])
        return Reply.json(
            {"results": [{"currencyCode": code, "currencyName": NAMES.get(code, code)} for code in sorted(known)]}
        )

    def company(self, call: Call) -> Reply:
        """GET company-currency"""
        return Reply.json({"id": self._portal.currencies.home, "createdAt": EPOCH})

    def rates(self, call: Call) -> Reply:
        """GET exchange-rates: all that ever were, by currency"""
        limit, params = self._context.whole_number(call, "limit", 100, MOST), call.params()
        start = params.get("after") or "0"
        if not start.isdigit():
            raise self._context.bad(call, f"The after parameter is not valid: {start}")
        found = [one for one in self._portal.currencies.rates.values() if int(one.id) > int(start)]
        for name, of in (("fromCurrencyCode", "code"), ("toCurrencyCode", "home")):
            if params.get(name):
                found = [one for one in found if getattr(one, of) == params[name]]
        content: Item = {"results": [one.shown() for one in found[:limit]]}
        if len(found) > limit:
            content["paging"] = {"next": {"after": found[limit - 1].id}}
        return Reply.json(content, records=len(content["results"]))

    def current(self, call: Call) -> Reply:
        """GET exchange-rates/current: one for each currency"""
        now = wire_time(self._portal.clock.now())
        found = self._portal.currencies.current(now).values()
        return Reply.json({"results": [one.shown() for one in found]}, records=len(found))

    def read(self, call: Call) -> Reply:
        """GET exchange-rates/{id}"""
        return Reply.json(self._one(call, call.args["rate"]).shown())

    def create(self, call: Call) -> Reply:
        """POST exchange-rates"""
        return Reply.json(self._add(call, call.json).shown())

    def update(self, call: Call) -> Reply:
        """PATCH exchange-rates/{id}"""
        return Reply.json(self._change(call, call.args["rate"], call.json).shown())

    def batch_read(self, call: Call) -> Reply:
        """POST exchange-rates/batch/read"""
        found = [self._one(call, str(one.get("id", ""))).shown() for one in self._context.inputs(call, MOST)]
        return self._context.batch(call, found, [])

    def batch_create(self, call: Call) -> Reply:
        """POST exchange-rates/batch/create"""
        made = [self._add(call, one).shown() for one in self._context.inputs(call, MOST)]
        return self._context.batch(call, made, [], 200 if self._context.asked.version == "2026-09" else 201)

    def batch_update(self, call: Call) -> Reply:
        """POST exchange-rates/batch/update"""
        inputs = self._context.inputs(call, MOST)
        return self._context.batch(call, [self._change(call, str(one.get("id")), one).shown() for one in inputs], [])

    # --- parts

    def _one(self, call: Call, id_: str) -> Rate:
        found = self._portal.currencies.rates.get(id_)
        if found is None:
            raise refused(404, f"Exchange rate {id_} was not found", "OBJECT_NOT_FOUND", call.id)
        return found

    def _add(self, call: Call, body: Item) -> Rate:
        code = str(body.get("fromCurrencyCode") or "")
        if code not in NAMES or code == self._portal.currencies.home:
            raise self._context.bad(call, f"{code!r} is no currency that can be added")
        now = wire_time(self._portal.clock.now())
        made = self._portal.currencies.add(code, self._number(call, body), self._effective(call, body, now), now)
        self._portal.derive_again(self._portal.types.all["deals"], "deal_currency_code", code)
        return made

    def _change(self, call: Call, id_: str, body: Item) -> Rate:
        rate, now = self._one(call, id_), wire_time(self._portal.clock.now())
        rate.rate, rate.effective = self._number(call, body), self._effective(call, body, rate.effective)
        rate.updated = now
        self._portal.derive_again(self._portal.types.all["deals"], "deal_currency_code", rate.code)
        return rate

    def _number(self, call: Call, body: Item) -> Decimal:
        try:
            return positive(body.get("conversionRate"))
        except Rejected as error:
            raise self._context.bad(call, error.message) from None

    def _effective(self, call: Call, body: Item, default: str) -> str:
        try:
            return parsed_time(str(body["effectiveAt"])) if body.get("effectiveAt") else default
        except ValueError:
            raise self._context.bad(call, f"{body['effectiveAt']} is not a time") from None


def positive(value: Any) -> Decimal:
    """A rate; raises Rejected unless it is a number above zero."""
    try:
        rate = Decimal(str(value))
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or rate <= 0:
        raise Rejected(f"conversionRate must be a number above 0, not {value}")
    return rate
