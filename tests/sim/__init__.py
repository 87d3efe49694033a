"""Simulated histories: seeded, on a clock that nobody waits for, judged by somebody who sees everything."""
