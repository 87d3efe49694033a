"""`python -m syncd.emulator`: serve the emulators without the rest of syncd."""

import argparse
import sys
from pathlib import Path

from syncd.emulator import Emulator, EmulatorDataError
from syncd.emulator.serve import serve_forever


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m syncd.emulator", description=__doc__)
    parser.add_argument("--salesforce", default="127.0.0.1:0", metavar="HOST:PORT", help="port 0 takes a free one")
    parser.add_argument("--hubspot", default="127.0.0.1:0", metavar="HOST:PORT")
    parser.add_argument("--admin", default="127.0.0.1:0", metavar="HOST:PORT")
    parser.add_argument("--tls", action="store_true", help="https, by a throw-away certificate authority")
    parser.add_argument("--data", type=Path, metavar="DIR", help="holds salesforce/*.csv and hubspot/*.csv")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()

    def make() -> Emulator:
        return Emulator.empty(seed=asked.seed) if asked.data is None else Emulator.load(asked.data, seed=asked.seed)

    try:
        return serve_forever(make, asked.salesforce, asked.hubspot, asked.admin, asked.tls)
    except (EmulatorDataError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
