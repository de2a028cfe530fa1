"""The server takes a loopback port, lives, and leaves cleanly."""

from __future__ import annotations

import asyncio
import socket

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from polydesk.core.clock import ShiftedClock
from polydesk.core.errors import ConfigurationError
from polydesk.core.exchange.catalogue import Catalogue
from polydesk.core.exchange.server import ExchangeServer
from polydesk.core.exchange.settings import ExchangeSettings
from polydesk.core.exchange.venue import Exchange


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_only_this_machine_is_served(exchange: Exchange, host: str) -> None:
    with pytest.raises(ConfigurationError, match="loopback"):
        ExchangeServer(exchange, host=host)


@pytest.mark.parametrize("host", ["localhost", "::1", "127.0.0.1"])
async def test_loopback_addresses_are_served_under_the_advertised_urls(exchange: Exchange, host: str) -> None:
    try:
        async with ExchangeServer(exchange, host=host) as server:
            assert server.clob_url == f"{server.base_url}/clob"
            assert server.gamma_url == f"{server.base_url}/gamma"
            assert server.data_url == f"{server.base_url}/data"
            assert server.ws_url == f"{server.base_url.replace('http', 'ws')}/ws"
            async with httpx2.AsyncClient() as client:
                assert (await client.get(f"{server.clob_url}/ok")).json() == "OK"
    except ConfigurationError:
        if host != "::1":
            raise
        pytest.skip("this machine has no IPv6 loopback")


async def test_a_taken_port_is_a_configuration_error(exchange: Exchange) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=str(port)):
            async with ExchangeServer(exchange, port=port):
                pass


async def test_it_stops_with_streams_open_and_tells_them(exchange: Exchange) -> None:
    async with ExchangeServer(exchange) as server:
        stream = await connect(f"{server.ws_url}/market")
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(stream.recv(), 5)
    await stream.close()


async def test_it_answers_without_waiting_for_the_network(exchange: Exchange) -> None:
    """Without TCP_NODELAY every answer takes some 40 ms; a hundred of them would take four seconds."""
    loop = asyncio.get_running_loop()
    async with ExchangeServer(exchange) as server, httpx2.AsyncClient() as client:
        await client.get(f"{server.clob_url}/ok")
        started = loop.time()
        for _ in range(100):
            await client.get(f"{server.clob_url}/ok")
        assert loop.time() - started < 2.5


async def test_it_lives_when_traders_are_on(catalogue: Catalogue) -> None:
    exchange = Exchange(catalogue, ExchangeSettings(), ShiftedClock(catalogue.starts_at))
    changed = asyncio.Event()
    async with ExchangeServer(exchange):
        exchange.events.subscribe(lambda event: changed.set())
        await asyncio.wait_for(changed.wait(), 30)
    assert not exchange.ledger.discrepancies(
        {listing.condition_id: listing.tokens for listing in exchange.markets.listings}
    )


async def test_a_client_that_hangs_up_in_mid_request_is_no_failure_of_the_exchange(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    async with ExchangeServer(exchange) as server:
        head = "POST /clob/books HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n["
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(head.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        async with httpx2.AsyncClient() as client:
            assert (await client.get(f"{server.clob_url}/ok")).status_code == 200
    assert not caplog.records
