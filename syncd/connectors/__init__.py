"""The outside world: one folder per system, each implementing the port in `base`."""
