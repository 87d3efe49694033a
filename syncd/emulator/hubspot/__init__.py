"""A HubSpot portal: object types, records, search, associations and the public API."""
