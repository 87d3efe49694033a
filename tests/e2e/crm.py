"""Reads both CRMs by plain HTTP, with the standard library only: what is really there, without syncd's code."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
HEADERS = {"Accept": "application/json"}
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Raw:
    """All records of both CRMs at one moment, with native names; `org` and `portal` name who answered."""

    org: str
    portal: str
    salesforce: dict[str, list[Row]]
    hubspot: dict[str, list[Row]]


def call(url: str, headers: Mapping[str, str], data: Any = None, form: Any = None, method: str | None = None) -> Any:
    """One request; returns the decoded JSON."""
    body = None
    headers = {**HEADERS, **headers}
    if form is not None:
        body = urllib.parse.urlencode(form).encode()
    elif data is not None:
        body, headers["Content-Type"] = json.dumps(data).encode(), "application/json"
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with NO_PROXY.open(request, timeout=60) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read()[:300]!r}") from error
    return json.loads(text) if text else None


class Salesforce:
    """The org, as the integration user sees it."""

    def __init__(self, endpoint: Mapping[str, str]) -> None:
        self.base, self.version = endpoint["base_url"], endpoint["api_version"]
        form = {
            "grant_type": "client_credentials",
            "client_id": endpoint["client_id"],
            "client_secret": endpoint["client_secret"],
        }
        token = call(f"{self.base}/services/oauth2/token", {}, form=form)["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def rows(self, kind: str, fields: list[str]) -> list[Row]:
        """Every row of one object, deleted ones included."""
        query = urllib.parse.urlencode({"q": f"SELECT {', '.join(fields)} FROM {kind}"})
        path: str | None = f"/services/data/v{self.version}/queryAll?{query}"
        found: list[Row] = []
        while path:
            page = call(self.base + path, self.headers)
            found += [{k: v for k, v in record.items() if k != "attributes"} for record in page["records"]]
            path = page.get("nextRecordsUrl")
        assert len(found) == page["totalSize"]
        return found

    def fields(self, kind: str) -> list[str]:
        """The API names of all fields."""
        path = f"{self.base}/services/data/v{self.version}/sobjects/{kind}/describe"
        return [field["name"] for field in call(path, self.headers)["fields"] if field["type"] != "address"]

    def org(self) -> str:
        """The organization's id."""
        return self.rows("Organization", ["Id"])[0]["Id"]


class HubSpot:
    """The portal, as the private app sees it."""

    def __init__(self, endpoint: Mapping[str, str]) -> None:
        self.base = endpoint["base_url"]
        self.headers = {"Authorization": f"Bearer {endpoint['access_token']}"}

    def rows(self, kind: str, associations: str = "") -> list[Row]:
        """Every record of one type that is not archived: its properties, `id`, and associated ids."""
        asked = {"limit": "100", "properties": ",".join(self._properties(kind))}
        if associations:
            asked["associations"] = associations
        return list(self._pages(f"/crm/v3/objects/{kind}", asked, associations))

    def _properties(self, kind: str) -> list[str]:
        return [one["name"] for one in call(f"{self.base}/crm/v3/properties/{kind}", self.headers)["results"]]

    def _pages(self, path: str, asked: dict[str, str], associations: str) -> Iterator[Row]:
        after: str | None = None
        while True:
            query = urllib.parse.urlencode(asked | ({"after": after} if after else {}))
            page = call(f"{self.base}{path}?{query}", self.headers)
            for record in page["results"]:
                linked = record.get("associations", {}).get(associations, {}).get("results", [])
                yield {**record["properties"], "id": record["id"], "associated": [str(one["id"]) for one in linked]}
            after = page.get("paging", {}).get("next", {}).get("after")
            if not after:
                return

    def portal(self) -> str:
        """The portal's id."""
        return str(call(f"{self.base}/account-info/v3/details", self.headers)["portalId"])


def read(endpoints: Mapping[str, Mapping[str, str]]) -> Raw:
    """Everything that the oracle needs."""
    org, portal = Salesforce(endpoints["salesforce"]), HubSpot(endpoints["hubspot"])
    return Raw(
        org=org.org(),
        portal=portal.portal(),
        salesforce={kind: org.rows(kind, org.fields(kind)) for kind in ("Account", "Opportunity", "User")},
        hubspot={
            "companies": portal.rows("companies"),
            "deals": portal.rows("deals", "companies"),
            "p_partners": portal.rows("p_partners"),
        },
    )
