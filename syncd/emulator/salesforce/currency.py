"""Currencies of the org: how many units of one make a unit of the corporate one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.emulator.salesforce.store import Org


class Currencies:
    """The active conversion rates as they are now."""

    def __init__(self, org: Org) -> None:
        self._org, table = org, org.tables["CurrencyType"]
        self.rates = {table.get(row, "IsoCode"): float(table.get(row, "ConversionRate") or 1) for row in table}
        self.corporate = next((table.get(row, "IsoCode") for row in table if table.get(row, "IsCorporate")), None)

    @property
    def several(self) -> bool:
        """Whether the org has multiple currencies enabled."""
        return self.corporate is not None

    def of_user(self, user: str | None) -> str:
        """The currency that amounts are converted to for a user."""
        table = self._org.tables["User"]
        row = None if user is None else table.rows.get(user)
        own = None if row is None else table.get(row, "DefaultCurrencyIsoCode")
        return own or self.corporate or ""

    def convert(self, amount: float | None, source: str | None, target: str) -> float | None:
        """An amount of one currency in another, to the cent."""
        if amount is None:
            return None
        return round(amount / self.rates.get(source or "", 1.0) * self.rates.get(target, 1.0), 2)
