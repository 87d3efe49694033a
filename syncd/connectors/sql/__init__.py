"""Tables of a database as a connector."""
