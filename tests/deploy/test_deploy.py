"""What is shipped for running syncd: each file is parsed, and what it starts is started, as far as can be had here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from syncd.cli.main import app
from tests.web.conftest import Asked, served

__all__ = ["served"]
TOP = Path(__file__).parents[2]
DEPLOY = TOP / "deploy"


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


DOCKERFILE = instructions((DEPLOY / "Dockerfile").read_text())
COMPOSE: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose.yaml")


def last(word: str) -> str:
    return next(rest for known, rest in reversed(DOCKERFILE) if known == word)


def let_in() -> list[str]:
    """What `.dockerignore` leaves of the repository."""
    lines = (TOP / ".dockerignore").read_text().split()
    assert lines[0] == "*", "nothing but what is named"
    return [line[1:] for line in lines if line.startswith("!")]


# --- the container


def test_the_container_is_not_root_and_its_base_is_named_with_a_version() -> None:
    assert int(last("USER")) > 0
    for word, rest in DOCKERFILE:
        if word == "FROM":
            assert re.match(r"\S+:\d", rest), rest


def test_what_is_copied_is_there_and_let_in() -> None:
    copied = [rest.split()[:-1] for word, rest in DOCKERFILE if word == "COPY" and not rest.startswith("--from")]
    assert copied
    for name in (name for names in copied for name in names):
        assert (TOP / name).exists(), name
        assert name.split("/")[0] in let_in(), name
    assert not {".git", "tests", ".venv", "config"} & set(let_in()), "no settings and no secrets get in"


def test_its_health_check_says_what_livez_says(served: Callable[..., Asked]) -> None:
    turning = [True]
    asked = served(alive=lambda: turning[0])
    (command,) = re.findall(r"CMD (\[.*\])", last("HEALTHCHECK"))
    words = [word.replace("http://127.0.0.1:8750", asked.url) for word in YAML(typ="safe").load(command)]
    assert words[0] == "python"
    assert subprocess.run([sys.executable, *words[1:]], check=False).returncode == 0
    turning[0] = False
    assert subprocess.run([sys.executable, *words[1:]], check=False, capture_output=True).returncode == 1


def test_its_lock_has_what_the_daemon_needs_each_with_a_hash() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + extras["postgres"] + extras["alerts"]
    lock = (TOP / "requirements" / "container.txt").read_text()
    pinned = set(re.findall(r"(?m)^([a-z0-9._-]+)==", lock))
    for requirement in wanted:
        name = re.split(r"[<>=!~;\[ ]", requirement)[0].lower().replace(".", "-")
        assert name in pinned, f"{requirement}: run  make lock"
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock, "a lock names no host"


@pytest.mark.counts
def test_what_the_container_installs_runs(tmp_path: Path) -> None:
    """The steps of the Dockerfile, in an environment of its own: from wheels alone, without the repository."""
    source = tmp_path / "src"
    for name in let_in():
        copy = shutil.copytree if (TOP / name).is_dir() else shutil.copy
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        copy(TOP / name, source / name)
    there, uv = tmp_path / "venv", Path(sys.executable).with_name("uv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", there], check=True)
    environment = {**os.environ, "VIRTUAL_ENV": str(there)}
    environment.pop("PYTHONPATH", None)
    for step in re.findall(
        r"VIRTUAL_ENV=/opt/syncd uv (.*?)(?: &&|$)", "\n".join(r for w, r in DOCKERFILE if w == "RUN"), re.M
    ):
        subprocess.run([uv, *step.replace("--no-cache ", "").split()], check=True, cwd=source, env=environment)
    shutil.rmtree(source)
    ran = subprocess.run(
        [there / "bin" / "syncd", "emulator", "serve", "--help"], check=True, cwd=tmp_path, env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    assert "Serve stand-ins" in ran.stdout
    subprocess.run([there / "bin" / "python", "-c", "import psycopg, apprise"], check=True, env=environment)


# --- compose


def test_every_service_of_ours_is_locked_down() -> None:
    for name, service in COMPOSE["services"].items():
        if service.get("image") == "syncd":
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert "no-new-privileges:true" in service["security_opt"], name


def test_compose_names_only_what_there_is() -> None:
    services, secrets = COMPOSE["services"], COMPOSE["secrets"]
    for service in services.values():
        assert set(service.get("secrets", ())) <= secrets.keys()
        assert set(service.get("depends_on", ())) <= services.keys()
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in COMPOSE["volumes"]
    build = services["syncd"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    assert services["emulator"]["profiles"] == ["emulator"], "not beside a real connection by accident"
    assert services["syncd"]["ports"] == ["127.0.0.1:8750:8750"], "health is for this machine, or a proxy"


def test_what_compose_starts_is_a_command_of_ours() -> None:
    command = typer.main.get_command(app)
    words = COMPOSE["services"]["emulator"]["command"]
    group = command.get_command(None, words[0])  # type: ignore[attr-defined,arg-type]
    group.get_command(None, words[1]).make_context("serve", words[2:])
    assert YAML(typ="safe").load(last("CMD")) == ["run"]
    assert command.get_command(None, "run") is not None  # type: ignore[attr-defined,arg-type]


def test_the_daemon_is_given_the_time_it_takes_to_stop() -> None:
    assert int(COMPOSE["services"]["syncd"]["stop_grace_period"].removesuffix("s")) >= 20


# --- systemd


def unit() -> dict[str, list[str]]:
    lines = [line for line in (DEPLOY / "syncd.service").read_text().splitlines() if "=" in line and line[0] != "#"]
    found: dict[str, list[str]] = {}
    for key, _, value in (line.partition("=") for line in lines):
        found.setdefault(key, []).append(value)
    return found


def test_the_unit_starts_a_daemon_that_tells_that_it_lives() -> None:
    said = unit()
    (start,) = said["ExecStart"]
    assert start.split()[1:] == ["--config", "/etc/syncd/syncd.yaml", "run"]
    assert said["Type"] == ["notify"]
    assert int(said["WatchdogSec"][0]) >= 3 * 10, "three beats may be missed"
    assert said["User"] == ["syncd"]
    assert "HUP" in said["ExecReload"][0]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_finds_nothing_wrong_with_the_unit_and_little_exposed(tmp_path: Path) -> None:
    there = tmp_path / "syncd.service"
    there.write_text((DEPLOY / "syncd.service").read_text().replace("/opt/syncd/bin/syncd", sys.executable))
    told = subprocess.run(["systemd-analyze", "verify", there], capture_output=True, text=True, check=False)
    assert [line for line in told.stderr.splitlines() if "syncd.service" in line] == []
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", there],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout[-300:]
