"""API credentials are rotated under a desk that goes on, however often and wherever the rotation is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import httpx2
import pytest

from polydesk.core.clock import ManualClock, SystemClock
from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.catalogue import load_catalogue
from polydesk.core.exchange.faults import ConnectionFault, FaultPlan, StatusFault
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange
from polydesk.core.polymarket.authorised import AuthorisedClient
from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.credential_file import CredentialFile
from polydesk.core.polymarket.credential_rotation import Rotated, rotate_credentials
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport, TransportSettings
from tests.support.exchanges import environment_of

OWNER = Signer(f"{7:064x}")


class Killed(BaseException):
    """The end of a process, which nothing handles."""


class Fate:
    """Counts what a process does to the world, and ends it before step number `last`."""

    def __init__(self, last: int | None = None) -> None:
        self.steps = 0
        self._last = last

    def step(self) -> None:
        if self.steps == self._last:
            raise Killed
        self.steps += 1


class FatefulCarrier(httpx2.AsyncHTTPTransport):
    """Each request and each answer is a step."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._fate.step()
        answer = await super().handle_async_request(request)
        await answer.aread()
        self._fate.step()
        return answer


class FatefulFile(CredentialFile):
    """What happens before and after each write is a step."""

    fate: Fate

    def _write(self, kept: object) -> None:
        self.fate.step()
        super()._write(kept)  # type: ignore[arg-type]
        self.fate.step()


@pytest.fixture
async def exchange() -> AsyncIterator[ExchangeServer]:
    async with ExchangeServer(new_exchange()) as server:
        yield server


def new_exchange(*faults: StatusFault | ConnectionFault) -> Exchange:
    rules = ExchangeSettings(simulated_traders=False, faults=FaultPlan.of(*faults))
    return Exchange(load_catalogue(), rules, SystemClock())


async def rotated(server: ExchangeServer, folder: Path, fate: Fate | None = None, *, owner: Signer = OWNER) -> Rotated:
    """One process that rotates, to its end or to that of its fate."""
    fate = fate or Fate()
    store = FatefulFile(folder, owner=owner, venue="venue")
    store.fate = fate
    settings = TransportSettings(max_retries=0)
    carrier = FatefulCarrier(fate)
    async with Transport(
        environment_of(server), clock=SystemClock(), random=Random(1), settings=settings, carrier=carrier
    ) as transport:
        return await rotate_credentials(transport, signer=owner, store=store, clock=SystemClock(), settle_s=0)


def keys_of(server: ExchangeServer, owner: Signer = OWNER) -> list[str]:
    return [made.api_key for made in server.exchange.credentials.of(owner.address)]


def desk_on(transport: Transport, folder: Path, owner: Signer = OWNER) -> CLOBClient:
    return CLOBClient(transport, signer=owner, store=CredentialFile(folder, owner=owner, venue="venue"))


async def test_a_desk_that_runs_goes_on_with_the_new_credentials(exchange: ExchangeServer, tmp_path: Path) -> None:
    async with Transport(environment_of(exchange), clock=SystemClock(), random=Random(1)) as transport:
        desk = desk_on(transport, tmp_path)
        assert await desk.open_orders() == ()
        old = await desk.credentials()
        result = await rotated(exchange, tmp_path)
        assert result == Rotated(key=(await desk.credentials()).key, deleted=old.key, resumed=False)
        assert desk.latest_credentials != old
        assert await desk.open_orders() == ()
        assert keys_of(exchange) == [result.key]
        again = await rotated(exchange, tmp_path)
        assert (await desk.api_keys()) == (again.key,)


@pytest.mark.parametrize("every", [5, pytest.param(1, marks=pytest.mark.takeover)])
async def test_killed_before_any_of_its_steps_a_rotation_is_finished_by_the_next_one(
    exchange: ExchangeServer, tmp_path: Path, every: int
) -> None:
    async with Transport(environment_of(exchange), clock=SystemClock(), random=Random(1)) as transport:
        await desk_on(transport, tmp_path).credentials()
        whole = Fate()
        await rotated(exchange, tmp_path, whole)
        assert whole.steps == 16
        for last in range(0, whole.steps, every):
            owner = Signer(f"{100 + last:064x}")
            desk = desk_on(transport, tmp_path, owner)
            await desk.credentials()
            first = keys_of(exchange, owner)
            with pytest.raises(Killed):
                await rotated(exchange, tmp_path, Fate(last), owner=owner)
            await desk.open_orders()  # the running desk and one that starts now both work
            await desk_on(transport, tmp_path, owner).open_orders()
            result = await rotated(exchange, tmp_path, owner=owner)
            assert keys_of(exchange, owner) == [result.key] != first, f"killed before step {last}"
            await desk.open_orders()
            assert (await desk.credentials()).key == result.key


async def test_killed_again_and_again_it_comes_to_its_end(exchange: ExchangeServer, tmp_path: Path) -> None:
    for last in (3, 6, 9, 7, 5, 3):
        try:
            await rotated(exchange, tmp_path, Fate(last))
        except Killed:
            continue
    result = await rotated(exchange, tmp_path)
    assert keys_of(exchange) == [result.key]


async def test_two_rotations_at_once_are_one_and_nothing_old_stays_valid(
    exchange: ExchangeServer, tmp_path: Path
) -> None:
    done = await asyncio.gather(*(rotated(exchange, tmp_path) for _ in range(3)), return_exceptions=True)
    (result,) = (each for each in done if isinstance(each, Rotated))
    refused = [each for each in done if isinstance(each, ConfigurationError)]
    assert len(refused) == 2
    assert "already" in refused[0].message
    assert keys_of(exchange) == [result.key]


async def test_a_nonce_that_somebody_used_is_passed_over(exchange: ExchangeServer, tmp_path: Path) -> None:
    async with Transport(environment_of(exchange), clock=SystemClock(), random=Random(1)) as transport:
        other = await AuthorisedClient(transport, signer=OWNER).create_or_derive_credentials(1)
        result = await rotated(exchange, tmp_path)
    assert result.key != other.key
    assert sorted(keys_of(exchange)) == sorted([other.key, result.key])


async def test_new_credentials_that_do_not_work_are_not_used(tmp_path: Path) -> None:
    refusal = StatusFault(
        kind="status", status=401, body={"error": "Unauthorized/Invalid api key"}, route="/clob/auth/api-keys", after=1
    )
    async with ExchangeServer(new_exchange(refusal)) as server:
        with pytest.raises(ConfigurationError, match="the old ones stay in use"):
            await rotated(server, tmp_path)
        kept = CredentialFile(tmp_path, owner=OWNER, venue="venue").kept()
        assert kept.current is not None
        assert kept.current.nonce == 0
        assert kept.candidate is None


async def test_a_lost_answer_to_the_deletion_is_looked_into(tmp_path: Path) -> None:
    lost = ConnectionFault(kind="reset_after_read", route="/clob/auth/api-key", method="DELETE", count=1)
    async with ExchangeServer(new_exchange(lost)) as server:
        result = await rotated(server, tmp_path)
        assert keys_of(server) == [result.key]


async def test_the_old_credentials_get_time_for_what_is_under_way(exchange: ExchangeServer, tmp_path: Path) -> None:
    clock = ManualClock(SystemClock().now())
    store = CredentialFile(tmp_path, owner=OWNER, venue="venue")
    async with Transport(environment_of(exchange), clock=SystemClock(), random=Random(1)) as transport:
        rotating = asyncio.create_task(rotate_credentials(transport, signer=OWNER, store=store, clock=clock))
        while store.kept().retiring is None:
            await asyncio.wait([rotating], timeout=0.01)
        assert len(keys_of(exchange)) == 2
        while not rotating.done():
            await clock.advance(1)
            await asyncio.wait([rotating], timeout=0.01)
        assert len(keys_of(exchange)) == 1
