"""HubSpot as a connector."""

from syncd.connectors.hubspot.client import HubSpotConnector

__all__ = ["HubSpotConnector"]
