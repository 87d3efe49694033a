"""Plays a random run of requests against a fresh emulator and prints every answer, for `test_emu_determinism`."""

from __future__ import annotations

import http.client
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from syncd.emulator import Emulator, EmulatorClock

SOQL = ("SELECT Id, Name, OwnerId FROM Account", "SELECT FIELDS(ALL) FROM User LIMIT 5", "SELECT Nonsense FROM Account",
        "SELECT Id, StageName, IsWon FROM Opportunity ORDER BY Name DESC")  # fmt: skip


class Player:
    """Sends requests and notes the answers, whole."""

    def __init__(self, emulator: Emulator, endpoints: dict[str, dict[str, str]], dice: random.Random) -> None:
        self._emulator, self._endpoints, self._dice = emulator, endpoints, dice
        self._connections = {
            name: http.client.HTTPConnection(urlsplit(one["base_url"]).netloc, timeout=20)
            for name, one in endpoints.items()
        }
        self._known: dict[str, list[str]] = {"Account": [], "companies": []}
        self.lines: list[str] = [json.dumps(endpoints, sort_keys=True)]

    def send(self, system: str, method: str, path: str, body: Any = None) -> Any:
        """One request with the token of the system."""
        endpoint, connection = self._endpoints[system], self._connections[system]
        token = endpoint.get("access_token") or endpoint["token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        told = (answer.status, sorted(answer.getheaders()), content.decode("latin-1"))
        self.lines.append(f"{method} {path} {told}")
        return json.loads(content) if content[:1] in (b"{", b"[") else None

    def step(self, number: int) -> None:
        """One of the things that clients and people do."""
        actions = (self._query, self._account, self._company, self._search, self._person, self._token, self._fault)
        self._dice.choice(actions)(number)

    def _query(self, number: int) -> None:
        resource = self._dice.choice(("query", "queryAll"))
        self.send("salesforce", "GET", f"/services/data/v68.0/{resource}?q={quote(self._dice.choice(SOQL))}")

    def _account(self, number: int) -> None:
        known = self._known["Account"]
        if known and self._dice.random() < 0.5:
            path = f"/services/data/v68.0/sobjects/Account/{self._dice.choice(known)}"
            self.send("salesforce", "PATCH", path, {"Name": f"Changed {number}"})
            self.send("salesforce", "GET", path)
            return
        made = self.send("salesforce", "POST", "/services/data/v68.0/sobjects/Account", {"Name": f"Account {number}"})
        if isinstance(made, dict):
            known.append(made["id"])

    def _company(self, number: int) -> None:
        inputs = [{"properties": {"name": f"Company {number}-{part}"}} for part in range(3)]
        made = self.send("hubspot", "POST", "/crm/objects/2026-09/companies/batch/create", {"inputs": inputs})
        known = self._known["companies"]
        known += [one["id"] for one in (made or {}).get("results", [])]
        if known:
            body = {"inputs": [{"id": self._dice.choice(known)}, {"id": "7"}], "properties": ["name"]}
            self.send("hubspot", "POST", "/crm/objects/2026-09/companies/batch/read", body)

    def _search(self, number: int) -> None:
        self._emulator.clock.advance(timedelta(seconds=7))  # type: ignore[attr-defined]
        body = {"query": "company", "limit": self._dice.randrange(1, 20)}
        self.send("hubspot", "POST", "/crm/objects/2026-09/companies/search", body)

    def _person(self, number: int) -> None:
        self.send(
            "admin", "POST", "/do/salesforce/insert", {"name": "Account", "values": {"Name": f"By hand {number}"}}
        )
        self.send("admin", "GET", "/state")

    def _token(self, number: int) -> None:
        endpoint = self._endpoints["salesforce"]
        form = f"grant_type=refresh_token&refresh_token={endpoint['refresh_token']}&client_id={endpoint['client_id']}"
        self.send("salesforce", "POST", f"/services/oauth2/token?{form}&client_secret={endpoint['client_secret']}")

    def _fault(self, number: int) -> None:
        wanted = {"system": "hubspot", "status": 502, "probability": 0.4, "times": 1}
        self.send("admin", "POST", "/faults", wanted)


def play(seed: int, steps: int) -> str:
    """The transcript of a run, without the ports, which the system chooses."""
    clock = EmulatorClock()
    clock.freeze(datetime(2026, 11, 23, 9, tzinfo=UTC))
    emulator = Emulator.empty(clock=clock, seed=seed)
    with emulator.serve() as endpoints:
        player = Player(emulator, endpoints, random.Random(seed))
        for number in range(steps):
            player.step(number)
        lines = [*player.lines, *map(repr, emulator.requests), *map(repr, emulator.changes)]
        text = "\n".join(lines)
        for endpoint in endpoints.values():
            text = text.replace(urlsplit(endpoint["base_url"]).netloc, "host")
    return text


if __name__ == "__main__":
    sys.stdout.write(play(int(sys.argv[1]), int(sys.argv[2])))
