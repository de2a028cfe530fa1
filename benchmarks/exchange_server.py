"""Orders over loopback into the whole exchange, one by one and in batches of 15, with every signature verified.

The exchange runs in a process of its own, as `polydesk exchange` runs it. The orders are signed and their requests
composed beforehand; the client does nothing but write them to kept-alive connections and count whole answers. One order
in five trades. A run with a ledger file and one without take turns.

Orders per second are of the clock on the wall, with client and server on cores of their own where there are two. Beside
them stand orders per second of the server's processor time, which what else the machine does hardly touches.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import random
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from polydesk.core.clock import ShiftedClock
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.contracts import NEG_RISK_EXCHANGE, STANDARD_EXCHANGE
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.signatures import SignedOrder, order_digest
from polydesk.core.exchange.store import LedgerStore
from polydesk.core.exchange.venue import Exchange
from polydesk.core.money import MICRO

from .registry import Result

_CONNECTIONS = 4
_SINGLES = 4000
_BATCHES = 600
_BATCH = 15
_ROUNDS = 5
_SEED = 5
_CHAIN_ID = 137
_TRADING_SHARE = 0.2


def run() -> Result:
    kinds = {"in memory": None, "with a ledger": "ledger.db"}
    names = [f"{size} {kind}" for kind in kinds for size in ("single", "batch")]
    rates: dict[str, list[float]] = {name: [] for name in names}
    busy: dict[str, list[float]] = {name: [] for name in names}
    shares: list[float] = []
    for round_number in range(_ROUNDS):
        for kind, file in kinds.items():
            with tempfile.TemporaryDirectory() as folder, _served(Path(folder) / file if file else None) as venue:
                singles, batches = _requests(venue, seed=_SEED + round_number)
                for size, requests, orders in (("single", singles, 1), ("batch", batches, _BATCH)):
                    used = venue.processor_s()
                    seconds, client_share = _send(venue, requests, orders)
                    rates[f"{size} {kind}"].append(len(requests) * orders / seconds)
                    busy[f"{size} {kind}"].append(len(requests) * orders / (venue.processor_s() - used))
                    shares.append(client_share)
    best = {name: max(found) for name, found in rates.items()}
    labels = {
        "single in memory": "one by one",
        "batch in memory": "in batches",
        "single with a ledger": "one by one with a ledger",
        "batch with a ledger": "in batches with a ledger",
    }
    return Result(
        about=f"{_SINGLES:,} single orders and {_BATCHES} batches of {_BATCH} on {_CONNECTIONS} connections, the "
        f"fastest of {_ROUNDS} rounds",
        ratios={
            "orders in batches / one by one": best["batch in memory"] / best["single in memory"],
            "one by one, in memory / with a ledger": best["single in memory"] / best["single with a ledger"],
            "in batches, in memory / with a ledger": best["batch in memory"] / best["batch with a ledger"],
        },
        measured={
            **{f"{label}, orders per second": best[name] for name, label in labels.items()},
            **{
                f"{label}, orders per second of the server's processor time": max(busy[name])
                for name, label in labels.items()
            },
            "largest share of one core that the client took": max(shares),
        },
    )


@dataclass(frozen=True, slots=True)
class _Trader:
    """A key, its address, and the credentials with which it posts."""

    private_key: bytes
    address: str
    api_key: str
    secret: str
    passphrase: str


@dataclass(frozen=True, slots=True)
class _Venue:
    """A serving exchange: its process and port, its traders, and the market they trade."""

    process: subprocess.Popen[bytes]
    port: int
    traders: tuple[_Trader, ...]
    tokens: tuple[str, str]
    neg_risk: bool
    tick: int
    middle: int

    def processor_s(self) -> float:
        """Processor time of the server so far."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextlib.contextmanager
def _served(ledger: Path | None) -> Iterator[_Venue]:
    command = [sys.executable, "-m", "benchmarks.exchange_server", str(ledger or "")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        traders = tuple(_Trader(bytes.fromhex(row.pop(0)), *row) for row in told.pop("traders"))
        yield _Venue(**{**told, "tokens": tuple(told["tokens"])}, process=process, traders=traders)
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def _requests(venue: _Venue, *, seed: int) -> tuple[list[bytes], list[bytes]]:
    generator = random.Random(seed)
    numbers = itertools.count(1)

    def order(trader: _Trader) -> dict[str, object]:
        return _signed(venue, trader, generator, next(numbers))

    singles, batches = [], []
    for number in range(_SINGLES):
        trader = venue.traders[number % len(venue.traders)]
        singles.append(_request(venue, trader, "/order", order(trader)))
    for number in range(_BATCHES):
        trader = venue.traders[number % len(venue.traders)]
        batches.append(_request(venue, trader, "/orders", [order(trader) for _ in range(_BATCH)]))
    return singles, batches


def _signed(venue: _Venue, trader: _Trader, generator: random.Random, number: int) -> dict[str, object]:
    """A limit BUY of either outcome: below the middle it rests, above it trades with what rests."""
    import coincurve

    outcome = generator.randrange(2)
    trades = generator.random() < _TRADING_SHARE
    distance = generator.randrange(1, 30) * venue.tick
    middle = venue.middle if outcome == 0 else 10_000 - venue.middle
    price = min(middle + 5 * venue.tick, 10_000 - venue.tick) if trades else max(middle - distance, venue.tick)
    shares = generator.randrange(200, 600) * MICRO
    signed = SignedOrder(
        salt=number,
        maker=trader.address,
        signer=trader.address,
        token_id=int(venue.tokens[outcome]),
        maker_amount=shares * price // 10_000,
        taker_amount=shares,
        side=0,
        signature_type=0,
        timestamp=1_779_000_000_000 + number,
        metadata=bytes(32),
        builder=bytes(32),
        signature=b"",
    )
    digest = order_digest(
        signed, chain_id=_CHAIN_ID, verifying_contract=NEG_RISK_EXCHANGE if venue.neg_risk else STANDARD_EXCHANGE
    )
    signature = coincurve.PrivateKey(trader.private_key).sign_recoverable(digest, hasher=None)
    order = {
        "salt": signed.salt,
        "maker": signed.maker,
        "signer": signed.signer,
        "tokenId": venue.tokens[outcome],
        "makerAmount": str(signed.maker_amount),
        "takerAmount": str(signed.taker_amount),
        "side": "BUY",
        "expiration": "0",
        "signatureType": 0,
        "timestamp": str(signed.timestamp),
        "metadata": "0x" + "0" * 64,
        "builder": "0x" + "0" * 64,
        "signature": "0x" + (signature[:64] + bytes([signature[64] + 27])).hex(),
    }
    return {"order": order, "owner": trader.api_key, "orderType": "GTC", "deferExec": False, "postOnly": False}


def _request(venue: _Venue, trader: _Trader, path: str, body: object) -> bytes:
    content = json.dumps(body, separators=(",", ":")).encode()
    timestamp = "1779000000"
    mac = hmac.new(base64.urlsafe_b64decode(trader.secret), f"{timestamp}POST{path}".encode() + content, hashlib.sha256)
    lines = (
        f"POST /clob{path} HTTP/1.1",
        f"Host: 127.0.0.1:{venue.port}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        f"POLY_ADDRESS: {trader.address}",
        f"POLY_API_KEY: {trader.api_key}",
        f"POLY_PASSPHRASE: {trader.passphrase}",
        f"POLY_TIMESTAMP: {timestamp}",
        f"POLY_SIGNATURE: {base64.urlsafe_b64encode(mac.digest()).decode()}",
    )
    return "\r\n".join((*lines, "", "")).encode() + content


def _send(venue: _Venue, requests: list[bytes], orders: int) -> tuple[float, float]:
    """Seconds that all requests took, and the client's processor time as a share of them. Every order must be taken."""
    waiting = iter(requests)
    selector = selectors.DefaultSelector()
    connections: dict[int, socket.socket] = {}
    for _ in range(_CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", venue.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ, bytearray())
        connections[connection.fileno()] = connection
    used = time.process_time()
    started = time.perf_counter()
    open_connections = 0
    answers: list[bytes] = []
    for connection in connections.values():
        if (request := next(waiting, None)) is not None:
            connection.sendall(request)
            open_connections += 1
    while open_connections:
        for key, _ in selector.select():
            connection, received = connections[key.fd], key.data
            received += connection.recv(65536)
            head, separator, body = bytes(received).partition(b"\r\n\r\n")
            if not separator or len(body) < _length(head):
                continue
            answers.append(body if head.startswith(b"HTTP/1.1 200") else head + body)
            received.clear()
            if (request := next(waiting, None)) is not None:
                connection.sendall(request)
            else:
                open_connections -= 1
    seconds = time.perf_counter() - started
    share = (time.process_time() - used) / seconds
    for connection in connections.values():
        connection.close()
    selector.close()
    taken = sum(answer.count(b'"errorMsg":""') for answer in answers)
    if taken != len(requests) * orders:
        refused = next(answer for answer in answers if answer.count(b'"errorMsg":""') != orders)
        raise RuntimeError(f"the exchange took {taken} of {len(requests) * orders} orders: {refused[:300]!r}")
    return seconds, share


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0])


async def _serve(ledger: str) -> None:
    """Serve until stdin ends."""
    from eth_account import Account as KeyAccount

    catalogue = load_catalogue()
    rules = ExchangeSettings(chain_id=_CHAIN_ID, simulated_traders=False, starting_balance=Decimal(10_000_000))
    with contextlib.ExitStack() as opened:
        store = opened.enter_context(LedgerStore(Path(ledger), secret=bytes(32))) if ledger else None
        exchange = Exchange(catalogue, rules, ShiftedClock(catalogue.starts_at), store=store)
        listing = min(exchange.markets.listings, key=lambda each: abs((each.midpoint or 0) - Decimal("0.5")))
        traders = []
        for number in range(1, 5):
            key = number.to_bytes(32, "big")
            address = str(KeyAccount.from_key(key).address)
            made = exchange.accounts.create_credential(address, 0)
            assert made is not None
            traders.append([key.hex(), address, made.api_key, made.secret, made.passphrase])
        async with ExchangeServer(exchange) as server:
            told = {
                "port": server.port,
                "traders": traders,
                "tokens": listing.tokens,
                "neg_risk": listing.neg_risk,
                "tick": listing.tick,
                "middle": listing.book.bids.best,
            }
            print(json.dumps(told), flush=True)
            await asyncio.to_thread(_tell_processor_time)


def _tell_processor_time() -> None:
    """Answer every line of stdin, until it ends."""
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
