"""The command `syncd`."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    # start-up makes a hundred thousand objects that stay; looking through them over and over costs a quick command
    # a tenth of its time
    gc.set_threshold(50_000)
    from syncd.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
