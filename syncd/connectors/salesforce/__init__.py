"""Salesforce as a connector."""

from syncd.connectors.credentials import SalesforceClientCredentials
from syncd.connectors.salesforce.client import SalesforceConnector

__all__ = ["SalesforceClientCredentials", "SalesforceConnector"]
