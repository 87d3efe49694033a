"""The entrance for machines and browsers: health, metrics and webhooks, served beside the daemon's work."""

from syncd.web.server import Hints, hints_of, serving

__all__ = ["Hints", "hints_of", "serving"]
