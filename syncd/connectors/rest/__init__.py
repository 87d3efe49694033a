"""A PRM with an API of its own, described in YAML, as a connector."""
