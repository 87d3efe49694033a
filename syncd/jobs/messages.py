"""Messages to people through Apprise: chat, mail and webhooks, each named by a URL that is a secret."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

from syncd.errors import Retry, UserError


class Apprised:
    """Sends to every one of some Apprise URLs."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = list(urls)

    def send(self, title: str, text: str) -> None:
        """Raises Retry when one was not reached, UserError when Apprise is not there or does not take an address."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it loads its services, and with them old modules, when it is first used
            receiver = _receiver(self._urls)
        if not receiver.notify(body=text, title=title, body_format="text"):
            raise Retry("Not every address of `alerts.to` took the message.")


def _receiver(urls: Sequence[str]) -> Any:
    try:
        import apprise
    except ImportError:
        raise UserError('Alerts need the extra "alerts": install it with  pip install "syncd[alerts]".') from None
    logging.getLogger("apprise").disabled = True  # its lines hold the URLs, and with them the secrets
    receiver = apprise.Apprise()
    for url in urls:
        if not receiver.add(url):
            raise UserError(f"alerts.to: an address of the scheme {url.partition(':')[0]} is not complete.")
    return receiver
