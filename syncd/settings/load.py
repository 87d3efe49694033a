"""Reads `syncd.yaml` and everything it names into one `Settings`, or lists every mistake at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from syncd.errors import Problem, UserError
from syncd.settings.schema import Settings
from syncd.settings.validate import in_order, validate
from syncd.settings.yaml import Document, KeyPath, read_yaml


def load_settings(path: str | Path, env: Mapping[str, str] | None = None) -> Settings:
    """The settings of one file. Raises UserError with every problem.

    Files that it names (policy, mappings, descriptions) are only read as YAML here; what they say is checked by whoever
    knows their models, with `read_yaml` and `validate`.
    """
    document = read_yaml(path, includes=False)
    file = Path(path).absolute()
    context = {"env": os.environ if env is None else env, "folder": file.parent, "file": file}
    settings, problems = validate(document, Settings, context)
    unreadable = (problem for named in named_files(document).values() for problem in _readable(named))
    found = in_order([*problems, *_joined(document), *unreadable])
    if settings is None or found:
        raise UserError(problems=found)
    settings._file = file
    return settings


def config_hash(settings: Settings) -> str:
    """A short hash of what the settings say: the same on every machine, and without any secret."""
    said = settings.model_dump(mode="json")
    said["policy"] = _relative(settings.policy, settings.folder)
    said["connections"] = _portable(said["connections"], settings.folder)
    if settings.database.path is not None:
        said["database"] = "sqlite:///" + _relative(settings.database.path, settings.folder)
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def json_schema(model: type[BaseModel] = Settings) -> dict[str, Any]:
    """The JSON Schema of a file, for editors; of `syncd.yaml` unless another model is named."""
    schema = model.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _portable(said: Any, folder: Path) -> Any:
    """The same with every path below the settings' own folder as seen from there."""
    if isinstance(said, dict):
        return {key: _portable(value, folder) for key, value in said.items()}
    prefix = "sqlite:///"
    if isinstance(said, str) and said.startswith((prefix + "/", "/")):
        return prefix * said.startswith(prefix) + _relative(Path(said.removeprefix(prefix)), folder)
    return said


def _joined(document: Document) -> Iterator[Problem]:
    """What is wrong between connections. Reads the raw document, so that it is found beside any other mistake."""
    connections = document.data.get("connections")
    if not isinstance(connections, dict) or not connections:
        if isinstance(connections, dict):
            yield document.problem(("connections",), "names no connection.", "Add at least a direct and a partner one.")
        return
    sections = {name: one for name, one in connections.items() if isinstance(one, dict)}
    yield from _roles(document, sections)
    yield from _emulators(document, sections)
    yield from _same_account(document, sections)
    yield from _unkept(document, sections)


def _roles(document: Document, sections: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    if any(
        not _named_roles(one) or not _named_roles(one) <= {"direct", "partner", "both"} for one in sections.values()
    ):
        return  # said already; what is missing cannot be counted
    direct = [name for name, one in sections.items() if _has_role(one, "direct")]
    if not direct:
        remedy = "Give the vendor's own CRM `roles: [direct]`, or `[both]` if partners file there too."
        yield document.problem(("connections",), "no connection has the role direct.", remedy)
    if not any(_has_role(one, "partner") for one in sections.values()):
        remedy = "Give the system in which partners file `roles: [partner]`, or `[both]` to the direct one."
        yield document.problem(("connections",), "no connection has the role partner.", remedy)
    for name in direct[1:]:
        message = f"a second connection with the role direct; the first is `{direct[0]}`."
        yield document.problem(("connections", name, "roles"), message, "Keep one; the others can be partner.")


def _unkept(document: Document, sections: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    """A refresh token may change with each use: without a place to keep the new one, the next sign-in would fail."""
    if document.value(("credentials", "key")):
        return
    for name, one in sections.items():
        auth = one.get("auth")
        if isinstance(auth, dict) and auth.get("flow") == "refresh_token":
            message = "a refresh token changes with its use, and nothing says how the new one is kept."
            remedy = "Add `credentials: {key: ${file:/run/secrets/syncd-credentials-key}}` to the settings."
            yield document.problem(("connections", name, "auth", "flow"), message, remedy)


def _named_roles(section: dict[str, Any]) -> set[str]:
    roles = section.get("roles")
    return {str(role) for role in (roles if isinstance(roles, list) else [roles]) if role is not None}


def _has_role(section: dict[str, Any], role: str) -> bool:
    return not _named_roles(section).isdisjoint({role, "both"})


def _emulators(document: Document, sections: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    real = [name for name, one in sections.items() if one.get("emulator", False) is False and _is_api(one)]
    for name, one in sections.items():
        if one.get("emulator") is True and real and _is_api(one):
            message = f"an emulator is not allowed beside a real connection (`{real[0]}`)."
            remedy = "Keep two settings files, one to rehearse and one that is real."
            yield document.problem(("connections", name, "emulator"), message, remedy)


def _is_api(section: dict[str, Any]) -> bool:
    """Whether a connection reaches somebody else's system; files and tables are the owner's own to rehearse with."""
    return section.get("kind") not in ("files", "sql")


_NAMED_BY = {"salesforce": ("host",), "files": ("files", "account"), "sql": ("sql", "account")}
"""The key by which two connections are seen to be the same account."""


def _same_account(document: Document, sections: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for name, one in sections.items():
        kind = str(one.get("kind"))
        key = ("connections", name, *_NAMED_BY.get(kind, ()))
        named = document.value(key) if kind in _NAMED_BY else None
        if not isinstance(named, str):
            continue
        first = seen.setdefault((kind, named.lower().removeprefix("https://").strip("/")), name)
        if first != name:
            what = "org" if kind == "salesforce" else "account"
            message = f"is the {what} of the connection `{first}` again."
            yield document.problem(key, message, "Use one connection with `roles: [both]`.")


def named_files(document: Document) -> dict[KeyPath, str]:
    """The files that the settings name, by key: policy, mappings, descriptions, as far as they exist."""
    found = {}
    for key in _file_keys(document):
        name = document.value(key)
        path = os.path.join(os.path.dirname(document.file), name.strip()) if isinstance(name, str) else ""
        if os.path.isfile(path):
            found[key] = path
    return found


def _file_keys(document: Document) -> Iterator[KeyPath]:
    yield ("policy",)
    connections = document.data.get("connections")
    for name in connections if isinstance(connections, dict) else ():
        yield "connections", name, "mapping"
        yield "connections", name, "rest"


def _readable(path: str) -> tuple[Problem, ...]:
    try:
        return read_yaml(path).problems
    except UserError as error:
        return error.problems
