"""The annotated examples in config/ are good, say what the demo needs, and can be started from as they are."""

from __future__ import annotations

from pathlib import Path

from syncd.mapping import Mapping, MappingFile
from syncd.model import STAMP_FIELDS, Stream
from syncd.settings import load, load_settings

CONFIG = Path(__file__).parents[2] / "config"
ENV = {"CRM_CLIENT_ID": "id", "CRM_CLIENT_SECRET": "secret", "PRM_TOKEN": "token"}


def test_the_example_settings_load() -> None:
    settings = load_settings(CONFIG / "syncd.yaml", ENV)
    assert [name for name, _ in settings.partners] == ["prm"]
    assert settings.direct[0] == "crm"
    assert all(connection.mode == "shadow" for connection in settings.connections.values())


def test_the_example_mappings_compile_and_show_every_stamp() -> None:
    settings = load_settings(CONFIG / "syncd.yaml", ENV)
    shown: dict[str, set[str]] = {}
    for connection in settings.connections.values():
        mapping = Mapping.compile(load(connection.mapping, MappingFile), connection.kind)
        for stream, one in mapping.streams.items():
            shown.setdefault(stream.value, set()).update(one.stamps)
    for stamp in STAMP_FIELDS:
        assert all(stamp.name in shown[stream] for stream in stamp.objects)


def test_the_example_mappings_read_what_the_demo_has() -> None:
    crm = Mapping.compile(load(CONFIG / "mappings/salesforce.yaml", MappingFile), "salesforce").streams
    prm = Mapping.compile(load(CONFIG / "mappings/hubspot.yaml", MappingFile), "hubspot").streams
    assert set(crm) == {Stream.ACCOUNTS, Stream.OPPORTUNITIES, Stream.USERS}
    assert set(prm) == {Stream.ACCOUNTS, Stream.REGISTRATIONS, Stream.PARTNERS}
    assert crm[Stream.OPPORTUNITIES].owner == "Channel_Owner__c"
    spec = prm[Stream.REGISTRATIONS].read_spec()
    assert (spec.object, spec.where, spec.associations) == ("deals", {"pipeline": ("registrations",)}, ("companies",))
    assert "associations.companies" not in spec.fields


def test_the_examples_name_every_stream_once_at_least() -> None:
    named = {
        stream
        for name in ("salesforce", "hubspot", "more-salesforce", "more-hubspot")
        for stream in Mapping.compile(load(CONFIG / f"mappings/{name}.yaml", MappingFile), "salesforce").streams
    }
    only_custom = {Stream.DOCUMENTS, Stream.EXCEPTIONS, Stream.LISTS}  # no system has an object for these by itself
    assert named == set(Stream) - only_custom
