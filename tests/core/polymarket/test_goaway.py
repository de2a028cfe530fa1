"""HTTP/2 connections that the server takes back: reads go on, and an order is unknown only when it has to be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from random import Random
from typing import Any, Literal

import h2.config
import h2.connection
import h2.errors
import h2.events
import pytest

from polydesk.core.clock import ManualClock
from polydesk.core.errors import OutcomeUnknown, VenueUnavailable
from polydesk.core.identifiers import OrderId
from polydesk.core.polymarket.environments import environment_at
from polydesk.core.polymarket.request import RequestSpec
from polydesk.core.polymarket.transport import Transport, TransportSettings
from polydesk.core.polymarket.wire.fields import number_at

ORDER_ID = OrderId("0x" + "cd" * 32)

Deed = Literal["answer", "answer_then_goaway", "goaway_unprocessed", "goaway_processed", "refuse", "reset", "hang_up"]


class Http2Venue:
    """Speaks HTTP/2 without TLS. Each request meets the next deed of the script; after its end all are answered."""

    def __init__(self) -> None:
        self.script: deque[Deed] = deque()
        self.processed: list[str] = []
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        requests: dict[int, str] = {}
        try:
            open_ = True
            while open_ and (data := await reader.read(65_536)):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        requests[event.stream_id] = dict(event.headers)[b":method"].decode()
                    elif isinstance(event, h2.events.StreamEnded):
                        open_ = self._meet(connection, event.stream_id, requests[event.stream_id]) and open_
                writer.write(connection.data_to_send())
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _meet(self, connection: h2.connection.H2Connection, stream_id: int, method: str) -> bool:
        """Do the next deed; whether the connection stays open."""
        deed = self.script.popleft() if self.script else "answer"
        if deed == "refuse":
            connection.reset_stream(stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
        elif deed == "goaway_unprocessed":
            connection.close_connection(last_stream_id=stream_id - 2 if stream_id > 1 else 0)
        else:
            self.processed.append(method)
            if deed == "reset":
                connection.reset_stream(stream_id, h2.errors.ErrorCodes.INTERNAL_ERROR)
            elif deed == "goaway_processed":
                connection.close_connection(last_stream_id=stream_id)
            elif deed != "hang_up":
                connection.send_headers(stream_id, [(":status", "200"), ("content-type", "application/json")])
                connection.send_data(stream_id, b'{"n": 1}', end_stream=True)
                if deed == "answer_then_goaway":
                    connection.close_connection(last_stream_id=stream_id)
        return deed in ("answer", "refuse", "reset")


@pytest.fixture
async def venue() -> AsyncIterator[Http2Venue]:
    serving = Http2Venue()
    await serving.start()
    yield serving
    await serving.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 1, 12, tzinfo=UTC))


@pytest.fixture
async def transport(venue: Http2Venue, clock: ManualClock) -> AsyncIterator[Transport]:
    url = f"http://127.0.0.1:{venue.port}"
    environment = environment_at("h2", clob_url=url, gamma_url=url, data_url=url, ws_url=url, chain_id=137)
    settings = TransportSettings(max_retries=2, timeout_s=5, http_version="2")
    async with Transport(environment, clock=clock, random=Random(1), settings=settings) as opened:
        yield opened


def read() -> RequestSpec[Any]:
    return RequestSpec(service="clob", method="GET", path="/number", parse=lambda payload, _: number_at(payload, "n"))


def order() -> RequestSpec[Any]:
    return RequestSpec(
        service="clob",
        method="POST",
        path="/order",
        body={"a": 1},
        parse=lambda payload, _: number_at(payload, "n"),
        idempotent=False,
        order_ids=(ORDER_ID,),
    )


async def result(transport: Transport, clock: ManualClock, spec: RequestSpec[Any]) -> Any:
    task = asyncio.create_task(transport.call(spec))
    async with asyncio.timeout(10):
        while not task.done():
            await clock.advance(1)
            await asyncio.wait([task], timeout=0.01)
    return task.result()


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("deed", ["goaway_unprocessed", "goaway_processed", "refuse", "reset", "hang_up"])
async def test_a_read_outlives_what_ends_its_connection(
    venue: Http2Venue, transport: Transport, clock: ManualClock, deed: Deed, warm: bool
) -> None:
    if warm:
        assert await result(transport, clock, read()) == 1
    venue.script.append(deed)
    assert await result(transport, clock, read()) == 1


async def test_a_connection_that_was_said_goodbye_to_is_replaced(
    venue: Http2Venue, transport: Transport, clock: ManualClock
) -> None:
    venue.script.extend(["answer_then_goaway"] * 5)
    for _ in range(5):
        assert await result(transport, clock, read()) == 1
    assert await result(transport, clock, order()) == 1
    assert venue.connections == 6
    assert venue.processed == ["GET"] * 5 + ["POST"]


@pytest.mark.parametrize("deed", ["goaway_processed", "reset", "hang_up"])
async def test_an_order_that_may_have_been_processed_is_unknown_and_not_repeated(
    venue: Http2Venue, transport: Transport, deed: Deed
) -> None:
    venue.script.append(deed)
    with pytest.raises(OutcomeUnknown) as unknown:
        await transport.call(order())
    assert unknown.value.order_ids == (ORDER_ID,)
    assert venue.processed == ["POST"]


@pytest.mark.parametrize("deed", ["goaway_unprocessed", "refuse"])
async def test_an_order_that_the_server_says_it_did_not_process_was_not_sent(
    venue: Http2Venue, transport: Transport, deed: Deed
) -> None:
    venue.script.append(deed)
    with pytest.raises(VenueUnavailable, match="could not be sent") as refused:
        await transport.call(order())
    assert refused.value.anything_sent == "no"
    assert venue.processed == []


async def test_an_order_behind_the_last_stream_goes_out_once_on_a_new_connection(
    venue: Http2Venue, transport: Transport, clock: ManualClock
) -> None:
    await result(transport, clock, read())
    venue.script.append("goaway_unprocessed")
    assert await transport.call(order()) == 1
    assert venue.processed == ["GET", "POST"]
    assert venue.connections == 2


async def test_reads_under_way_together_all_survive(
    venue: Http2Venue, transport: Transport, clock: ManualClock
) -> None:
    await result(transport, clock, read())
    venue.script.extend(["answer", "answer", "goaway_processed"])
    calls = [asyncio.create_task(result(transport, clock, read())) for _ in range(8)]
    assert await asyncio.gather(*calls) == [1] * 8
