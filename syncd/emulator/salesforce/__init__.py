"""A Salesforce org: schema, records, SOQL and the REST API."""
