"""A throw-away certificate authority, so that clients can be tried over https."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104 (recognised, not bound)


@dataclass(frozen=True, slots=True)
class Authority:
    """What servers present, and the file that their clients must trust."""

    context: ssl.SSLContext
    ca_file: Path


@contextmanager
def throw_away_authority(hosts: list[str]) -> Iterator[Authority]:
    """An authority and one certificate for these hosts and loopback; its public part lies in a private temporary
    folder until the context ends, its key nowhere."""
    authority = trustme.CA()
    names = dict.fromkeys([*_LOOPBACK, *(_bare(host) for host in hosts if _bare(host))])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*(name for name in names if name not in _ANYWHERE)).configure_cert(context)
    with tempfile.TemporaryDirectory(prefix="syncd-emulator-") as folder:  # only its owner may enter
        path = Path(folder) / "ca.pem"
        path.write_bytes(authority.cert_pem.bytes())
        yield Authority(context, path)


def _bare(host: str) -> str:
    bare = host.strip("[]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare
