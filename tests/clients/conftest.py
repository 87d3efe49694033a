"""Both emulated CRMs with something in them, and the tools that `make test-clients` sets up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from syncd.emulator import Emulator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCOUNTS, COMPANIES = 2_300, 130


class Site:
    """An emulator that is being served."""

    def __init__(self, emulator: Emulator, endpoints: Mapping[str, Any]) -> None:
        self.emulator, self.endpoints = emulator, endpoints

    def troubles(self, system: str) -> list[str]:
        """Requests that the emulator did not understand."""
        return [
            f"{r.method} {r.path} {r.status}" for r in self.emulator.requests if r.system == system and r.status >= 500
        ]


@pytest.fixture
def site() -> Iterator[Site]:
    emulator = Emulator.empty()
    for n in range(ACCOUNTS):
        emulator.salesforce.insert("Account", {"Name": f"Account {n}"})
    for n in range(COMPANIES):
        company = emulator.hubspot.insert("companies", {"name": f"Company {n}"})
        contact = {"email": f"person{n}@example.com", "lastname": f"Person {n}"}
        emulator.hubspot.insert("contacts", contact, associations={"companies": [company]})
    with emulator.serve() as endpoints:
        yield Site(emulator, endpoints)


def run(*command: str, folder: Path | None = None) -> str:
    """What a program printed; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=folder)
    assert done.returncode == 0, f"{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout


def lines(text: str) -> list[dict[str, Any]]:
    """JSON lines."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
