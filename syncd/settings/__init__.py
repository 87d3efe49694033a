"""YAML and environment in, one frozen `Settings` out, or every problem at once with file, line and key."""

from syncd.settings.load import config_hash, json_schema, load_settings, named_files
from syncd.settings.schema import (
    Alerts,
    Authority,
    Bands,
    Basic,
    ClientCredentials,
    Connection,
    HeaderKey,
    Heartbeat,
    Kind,
    Log,
    Matching,
    Mode,
    Ownership,
    RefreshToken,
    Role,
    Schedule,
    Server,
    Settings,
    SignedAssertion,
    Token,
    Webhook,
)
from syncd.settings.secrets import Database, Identifier, Secret
from syncd.settings.section import Section
from syncd.settings.sources import FilesSource, SqlSource
from syncd.settings.validate import in_order, load, validate
from syncd.settings.values import Address, Duration, Host
from syncd.settings.walk import known_keys
from syncd.settings.yaml import Document, KeyPath, dotted, parse_yaml, read_yaml

__all__ = [
    "Address",
    "Alerts",
    "Authority",
    "Bands",
    "Basic",
    "ClientCredentials",
    "Connection",
    "Database",
    "Document",
    "Duration",
    "FilesSource",
    "HeaderKey",
    "Heartbeat",
    "Host",
    "Identifier",
    "KeyPath",
    "Kind",
    "Log",
    "Matching",
    "Mode",
    "Ownership",
    "RefreshToken",
    "Role",
    "Schedule",
    "Secret",
    "Section",
    "Server",
    "Settings",
    "SignedAssertion",
    "SqlSource",
    "Token",
    "Webhook",
    "config_hash",
    "dotted",
    "in_order",
    "json_schema",
    "known_keys",
    "load",
    "load_settings",
    "named_files",
    "parse_yaml",
    "read_yaml",
    "validate",
]
