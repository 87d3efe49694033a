"""What systemd is told: ready, alive, stopping. Nothing where no service manager listens (sd_notify(3))."""

from __future__ import annotations

import os
import socket

from syncd.jobs.work import canonical_line


def tell(state: str) -> None:
    """Send a state such as `READY=1` to the socket that `NOTIFY_SOCKET` names; `@` begins an abstract name."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.connect("\0" + address[1:] if address.startswith("@") else address)
            out.sendall(state.encode())
    except OSError as error:  # the work goes on; systemd restarts what it does not hear of
        canonical_line("service_manager_not_told", state=state, reason=error.strerror)
