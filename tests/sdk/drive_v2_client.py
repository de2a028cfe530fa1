"""Makes every call of `v2_client_calls` with the V2 client; prints one JSON line per method.

Runs in the client's own environment. Its argument is the line that `polydesk exchange --json` printed; the first line
it prints has all public names of the client.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

from py_clob_client_v2 import clob_types
from py_clob_client_v2.client import ClobClient
from v2_client_calls import CALLS, Scene

KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"


def main(addresses: dict[str, Any]) -> None:
    def log_in(nonce: int) -> ClobClient:
        other = ClobClient(addresses["clob_url"], addresses["chain_id"], key=KEY)
        other.set_api_creds(other.create_or_derive_api_key(nonce))
        return other

    client = ClobClient(addresses["clob_url"], addresses["chain_id"], key=KEY)
    scene = Scene(clob_types, log_in)
    print(json.dumps({"names": [name for name in dir(ClobClient) if not name.startswith("_")]}), flush=True)
    for name, make in CALLS.items():
        error = None
        try:
            make(client, scene)
        except Exception:
            error = traceback.format_exc(limit=-6)
        print(json.dumps({"method": name, "error": error}), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
