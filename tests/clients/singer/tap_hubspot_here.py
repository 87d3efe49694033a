"""Runs tap-hubspot as it is, its base URL alone turned to another host: URL, then the tap's own arguments."""

import sys

import tap_hubspot

tap_hubspot.BASE_URL = sys.argv.pop(1)
tap_hubspot.main()
