"""Runs tap-salesforce as it is, its sign-in address alone turned to another host: URL, then the tap's own arguments."""

import sys

import requests
import tap_salesforce

base_url = sys.argv.pop(1)
send = requests.Session.send


def redirected(session: requests.Session, request: requests.PreparedRequest, **how: object) -> requests.Response:
    request.url = (request.url or "").replace("https://login.salesforce.com", base_url)
    return send(session, request, **how)


requests.Session.send = redirected
tap_salesforce.main()
