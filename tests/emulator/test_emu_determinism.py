"""The same seed and the same requests give the same bytes, in another process and whatever its hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).with_name("transcript.py")


def played(seed: int, hashing: str) -> list[str]:
    command = [sys.executable, str(SCRIPT), str(seed), "60"]
    environment = os.environ | {"PYTHONHASHSEED": hashing}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True, env=environment)
    return done.stdout.splitlines()


def test_a_random_run_is_repeated_byte_for_byte() -> None:
    first, again, other = played(4, "1"), played(4, "2"), played(5, "1")
    assert len(first) > 100
    assert first == again
    assert first[0] != other[0]  # tokens
    assert not set(first) & set(other)  # correlation ids and record ids
