"""Keys are worked with as any program does, and the interpreter stays as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_USES = """
import json, sys
from decimal import Decimal
from pathlib import Path
before = sys.getrecursionlimit()
from polydesk.core.exchange.named_accounts import open_or_create_account
from polydesk.core.polymarket.signing import Signer
from polydesk.server.accounts import opened_ledger
with opened_ledger(Path(sys.argv[1])) as store:
    open_or_create_account(store, "main", starting_balance=Decimal(1000), at_ms=1)
Signer("1" * 64).address
print(sys.getrecursionlimit() - before)
try:
    json.loads("[" * 100_000)
except RecursionError:
    print("refused")
"""


def test_an_account_of_any_kind_leaves_nested_json_harmless(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _USES, str(tmp_path / "ledger.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.stdout.split() == ["0", "refused"], told.stderr
