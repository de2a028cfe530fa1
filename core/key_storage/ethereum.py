"""Ethereum accounts of eth-account, loaded without what loading it does to the interpreter."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eth_account import Account


def account_type() -> type[Account]:
    """The class that makes accounts of keys.

    One of its dependencies raises the recursion limit to 100,000; at that depth, nested JSON from a stranger would
    overflow the C stack and end the process.
    """
    limit = sys.getrecursionlimit()
    try:
        from eth_account import Account
    finally:
        sys.setrecursionlimit(limit)
    return Account
