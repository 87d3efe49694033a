"""Guards of reading and writing, each taken out or weakened once, with the tests that must notice."""

from __future__ import annotations

from .bugs_jobs import JOBS
from .bugs_reading import READING
from .bugs_sending import SENDING
from .planting import Bug

BUGS: tuple[Bug, ...] = (*READING, *SENDING, *JOBS)
