"""HubSpot as a connector."""

from syncd.connectors.hubspot.client import HubSpotConnector
from syncd.connectors.hubspot.signin import HubSpotRefresh

__all__ = ["HubSpotConnector", "HubSpotRefresh"]
