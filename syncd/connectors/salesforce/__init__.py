"""Salesforce as a connector."""

from syncd.connectors.salesforce.client import SalesforceConnector
from syncd.connectors.salesforce.signin import (
    SalesforceClientCredentials,
    SalesforceRefreshToken,
    SalesforceSignedAssertion,
)

__all__ = ["SalesforceClientCredentials", "SalesforceConnector", "SalesforceRefreshToken", "SalesforceSignedAssertion"]
