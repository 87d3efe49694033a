"""`syncd check` lists what is wrong in the settings and in every file they name, at once and each once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from syncd.app import load_config
from syncd.cli.main import run
from syncd.errors import UserError

CONFIG = Path(__file__).parents[2] / "config"
SECRETS = ("CRM_CLIENT_ID", "CRM_CLIENT_SECRET", "PRM_TOKEN")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped examples, with no secret set: what a first user has."""
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def secrets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secrets of the examples, set."""
    for name in SECRETS:
        monkeypatch.setenv(name, "x")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def found(folder: Path) -> list[str]:
    """Each problem as `file: key`, and each only once."""
    with pytest.raises(UserError) as caught:
        load_config(folder / "syncd.yaml")
    problems = caught.value.problems
    assert len(set(problems)) == len(problems)
    assert len({(p.file, p.line, p.key) for p in problems}) == len(problems)
    return [f"{Path(p.file).name}: {p.key}" for p in problems]


def break_the_named_files(folder: Path) -> None:
    edit(folder / "policy.yaml", "approval: automatic", "aproval: automatic")
    edit(folder / "mappings/hubspot.yaml", "streams:", "streams:\n  nonsense: 1")
    edit(folder / "mappings/salesforce.yaml", "object: Account", "object: Acc/ount")


BROKEN = ["hubspot.yaml: streams.nonsense", "policy.yaml: aproval", "salesforce.yaml: streams.accounts.object"]
UNSET = ["connections.crm.auth.client_id", "connections.crm.auth.client_secret", "connections.prm.auth.token"]


def test_without_secrets_only_they_are_missing(folder: Path) -> None:
    assert found(folder) == [f"syncd.yaml: {key}" for key in UNSET]


def test_mistakes_in_the_named_files_show_beside_those_of_the_settings(folder: Path) -> None:
    break_the_named_files(folder)
    assert sorted(found(folder)) == sorted([*BROKEN, *(f"syncd.yaml: {key}" for key in UNSET)])


@pytest.mark.usefixtures("secrets")
def test_mistakes_in_the_named_files_show_alone(folder: Path) -> None:
    break_the_named_files(folder)
    assert sorted(found(folder)) == sorted(BROKEN)


def test_a_named_file_that_is_no_yaml_is_said_once(folder: Path) -> None:
    (folder / "policy.yaml").write_text("approval:\n\tx: 1\n")
    (folder / "mappings/hubspot.yaml").write_text("streams: {}\nstreams: {}\n")
    both = ["hubspot.yaml: streams", "policy.yaml: "]
    assert sorted(found(folder)) == sorted([*both, *(f"syncd.yaml: {key}" for key in UNSET)])


@pytest.mark.usefixtures("secrets")
def test_a_mapping_of_two_connections_is_told_once(folder: Path) -> None:
    edit(folder / "syncd.yaml", "mapping: mappings/salesforce.yaml", "mapping: mappings/hubspot.yaml")
    edit(folder / "mappings/hubspot.yaml", "streams:", "streams:\n  nonsense: 1")
    assert found(folder) == ["hubspot.yaml: streams.nonsense"]


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("policy: policy.yaml", "policy: syncd.yaml", "policy", "is a settings file, not a policy file"),
        ("policy: policy.yaml", "policy: mappings/hubspot.yaml", "policy", "is a mapping file, not a policy file"),
        ("mappings/hubspot.yaml", "policy.yaml", "connections.prm.mapping", "is a policy file, not a mapping file"),
        ("mappings/hubspot.yaml", "syncd.yaml", "connections.prm.mapping", "is a settings file, not a mapping file"),
    ],
)
def test_files_that_are_mixed_up_get_one_line(folder: Path, old: str, new: str, key: str, message: str) -> None:
    edit(folder / "syncd.yaml", old, new)
    with pytest.raises(UserError) as caught:
        load_config(folder / "syncd.yaml")
    (problem,) = caught.value.problems
    assert (Path(problem.file).name, problem.key) == ("syncd.yaml", key)
    assert message in problem.message
    line = (folder / "syncd.yaml").read_text().splitlines()[(problem.line or 0) - 1]
    assert new in line


def test_a_policy_given_as_the_settings_gets_one_line(folder: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_config(folder / "policy.yaml")
    (problem,) = caught.value.problems
    assert "this is a policy file, not a settings file" in problem.message


@pytest.mark.usefixtures("secrets")
def test_a_question_ends_with_its_mark(folder: Path) -> None:
    edit(folder / "policy.yaml", "company.employees", "company.staff")
    with pytest.raises(UserError) as caught:
        load_config(folder / "syncd.yaml")
    (problem,) = caught.value.problems
    assert str(problem).endswith("did you mean company.employees?")


@pytest.mark.parametrize("more", [(), ("--offline",)])
def test_check_says_what_is_wrong_as_json_too(
    folder: Path, more: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", str(folder / "syncd.yaml"), "check", *more, "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["ok", "problems"]
    assert told["ok"] is False
    assert ["CRM_CLIENT_ID is not set" in problem for problem in told["problems"]] == [True, False, False]
    assert run(["-c", str(folder / "nowhere.yaml"), "check", "--json"]) == 2
    assert "there is no such file" in json.loads(capsys.readouterr().out)["problems"][0]
