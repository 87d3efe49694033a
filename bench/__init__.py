"""Measurements, side by side with what one would use instead; the figures are in docs/performance.md."""
