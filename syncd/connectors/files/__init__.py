"""Exports in a folder as a connector."""
