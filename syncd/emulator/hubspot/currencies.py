"""The currencies of an account and their exchange rates into the company's currency."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

NAMES = {
    "AUD": "Australian Dollar", "BRL": "Brazilian Real", "CAD": "Canadian Dollar", "CHF": "Swiss Franc",
    "CNY": "Chinese Yuan", "CZK": "Czech Koruna", "DKK": "Danish Krone", "EUR": "Euro", "GBP": "British Pound",
    "HKD": "Hong Kong Dollar", "HUF": "Hungarian Forint", "ILS": "Israeli New Shekel", "INR": "Indian Rupee",
    "JPY": "Japanese Yen", "KRW": "South Korean Won", "MXN": "Mexican Peso", "NOK": "Norwegian Krone",
    "NZD": "New Zealand Dollar", "PLN": "Polish Zloty", "RON": "Romanian Leu", "SEK": "Swedish Krona",
    "SGD": "Singapore Dollar", "TRY": "Turkish Lira", "USD": "US Dollar", "ZAR": "South African Rand",
}  # fmt: skip


@dataclass(slots=True)
class Rate:
    """What one unit of a currency is worth in the company's currency, since when."""

    id: str
    code: str
    home: str
    rate: Decimal
    effective: str
    created: str
    updated: str
    visible: bool = True

    def shown(self) -> dict[str, Any]:
        """The vendor's shape."""
        return {"id": self.id, "fromCurrencyCode": self.code, "toCurrencyCode": self.home,
                "conversionRate": float(self.rate), "effectiveAt": self.effective, "visibleInUI": self.visible,
                "createdAt": self.created, "updatedAt": self.updated}  # fmt: skip


class Currencies:
    """The rates of one account; `account` is what account-info shows, and names the currencies."""

    def __init__(self, account: dict[str, Any]) -> None:
        self._account = account
        self.rates: dict[str, Rate] = {}

    @property
    def home(self) -> str:
        """The company's currency."""
        return str(self._account["companyCurrency"])

    @property
    def codes(self) -> list[str]:
        """The currencies that a deal may be in, the company's first."""
        return [self.home, *(one for one in self._account["additionalCurrencies"] if one != self.home)]

    def enable(self, code: str) -> None:
        """Let deals be in a currency."""
        if code not in self.codes:
            self._account["additionalCurrencies"].append(code)

    def add(self, code: str, rate: Decimal, effective: str, now: str) -> Rate:
        """A rate, which also enables its currency."""
        self.enable(code)
        made = Rate(str(7_000 + len(self.rates)), code, self.home, rate, effective, now, now)
        self.rates[made.id] = made
        return made

    def current(self, now: str) -> dict[str, Rate]:
        """By currency the newest rate that is in effect."""
        found = [one for one in self.rates.values() if one.effective <= now and one.home == self.home]
        return {one.code: one for one in sorted(found, key=lambda one: (one.effective, int(one.id)))}

    def in_home(self, amount: str | None, code: str | None, now: str) -> str | None:
        """An amount in the company's currency; None without an amount or a rate."""
        if amount is None or code in (None, "", self.home):
            return amount
        rate = self.current(now).get(str(code))
        try:
            return None if rate is None else format((Decimal(amount) * rate.rate).normalize(), "f")
        except InvalidOperation:
            return None
