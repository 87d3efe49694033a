"""Reads every account of an emulated org with PyAirbyte into its own cache; run by the interpreter of its environment.

    python bench/pyairbyte_here.py ENDPOINT_JSON FOLDER START_DATE

The source is Airbyte's own, as it is; only the address at which it signs in is turned to the emulator.
"""

import json
import os
import stat
import sys
import time
from pathlib import Path

SOURCE = """\
#!{python}
import requests

send = requests.Session.send


def redirected(session, request, **how):
    request.url = request.url.replace("https://login.salesforce.com", "{base_url}")
    return send(session, request, **how)


requests.Session.send = redirected
from source_salesforce.run import run

run()
"""


def main() -> None:
    """Read, and print one JSON line."""
    org, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
    os.environ |= {"AIRBYTE_OFFLINE_MODE": "1", "DO_NOT_TRACK": "1", "AIRBYTE_LOGGING_ROOT": str(folder / "logs")}
    os.chdir(folder)
    executable = folder / "source-salesforce"
    executable.write_text(SOURCE.format(python=sys.executable, base_url=org["base_url"]))
    executable.chmod(executable.stat().st_mode | stat.S_IXUSR)
    import airbyte

    config = {
        "auth_type": "Client",
        "client_id": org["client_id"],
        "client_secret": org["client_secret"],
        "refresh_token": org["refresh_token"],
        "start_date": sys.argv[3],
        "streams_criteria": [{"criteria": "exacts", "value": "Account"}],
    }
    source = airbyte.get_source("source-salesforce", config=config, local_executable=executable)
    source.select_streams(["Account"])
    began = time.perf_counter()
    result = source.read(cache=airbyte.caches.DuckDBCache(db_path=folder / "cache.duckdb"))
    seconds = time.perf_counter() - began
    print(json.dumps({"records": len(list(result["Account"])), "seconds": seconds}))


if __name__ == "__main__":
    main()
