"""At most one process has the lease of a folder, and what a dead one left behind stops nobody."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.server.doors.background import BackgroundMark
from polydesk.server.doors.lease import DeskCard, DeskLease, read_card

SINCE = datetime(2026, 11, 22, tzinfo=UTC)


def publish(lease: DeskLease) -> DeskCard:
    return lease.publish(version="1", since=SINCE, background=False)


@pytest.fixture
def lease(tmp_path: Path) -> Iterator[DeskLease]:
    lease = DeskLease(tmp_path)
    assert lease.take()
    yield lease
    lease.release()


def test_the_second_does_not_get_it_until_the_first_lets_go(lease: DeskLease, tmp_path: Path) -> None:
    second = DeskLease(tmp_path)
    assert not second.take()
    lease.release()
    assert second.take()
    second.release()


def test_the_card_says_how_to_reach_the_holder_and_only_its_owner_can_read_it(lease: DeskLease, tmp_path: Path) -> None:
    card = publish(lease)
    assert read_card(tmp_path) == card
    assert card.pid == os.getpid()
    assert len(card.secret) == 64
    assert stat.S_IMODE((tmp_path / "desk.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(card.socket.parent.stat().st_mode) == 0o700


def test_letting_go_leaves_neither_card_nor_socket(lease: DeskLease, tmp_path: Path) -> None:
    card = publish(lease)
    lease.release()
    assert read_card(tmp_path) is None
    assert not card.socket.parent.exists()


def _hold(folder: Path, told: Connection) -> None:
    lease = DeskLease(folder)
    assert lease.take()
    publish(lease)
    told.send(True)
    signal.pause()


@contextmanager
def killed_holder(folder: Path) -> Iterator[DeskCard]:
    """What a process leaves that held the lease and was killed."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(folder, there))
    process.start()
    assert here.recv()
    card = read_card(folder)
    assert card is not None
    assert not DeskLease(folder).take()
    process.kill()
    process.join()
    yield card


def test_the_lease_of_a_killed_process_is_free_and_its_socket_cleared_away(tmp_path: Path) -> None:
    with killed_holder(tmp_path) as left:
        assert left.socket.parent.exists()
        lease = DeskLease(tmp_path)
        assert lease.take()
        assert read_card(tmp_path) is None
        assert not left.socket.parent.exists()
        lease.release()


def test_a_copy_of_a_folder_in_use_is_a_desk_of_its_own(lease: DeskLease, tmp_path: Path) -> None:
    original = publish(lease)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("desk.json", "desk.lock"):
        (copy / name).write_bytes((tmp_path / name).read_bytes())
    other = DeskLease(copy)
    assert other.take()
    assert publish(other).socket != original.socket
    other.release()
    assert original.socket.parent.exists()  # whoever is the desk of the original goes on


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"pid": "x"}', json.dumps({"pid": 1})])
def test_a_card_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "desk.json").write_text(content)
    assert read_card(tmp_path) is None


def test_a_card_that_names_another_folder_makes_nobody_delete_it(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    card = {"pid": 1, "version": "1", "since": SINCE.isoformat(), "secret": "x", "background": False}
    (tmp_path / "desk.json").write_text(json.dumps(card | {"socket": str(precious / "desk")}))
    lease = DeskLease(tmp_path)
    assert lease.take()
    lease.release()
    assert precious.exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="POLYMARKET_STATE_DIR"):
        DeskLease(tmp_path / "file" / "desk").take()


def test_a_card_of_another_version_is_read_as_far_as_it_is_known(lease: DeskLease, tmp_path: Path) -> None:
    publish(lease)
    written = json.loads((tmp_path / "desk.json").read_text())
    del written["background"], written["folder"]
    (tmp_path / "desk.json").write_text(json.dumps(written | {"version": "99", "new": 1}))
    card = read_card(tmp_path)
    assert card is not None
    assert (card.version, card.pid) == ("99", os.getpid())


def test_looking_at_the_mark_hinders_nobody(tmp_path: Path) -> None:
    mark, other = BackgroundMark(tmp_path), BackgroundMark(tmp_path)
    assert mark.take()
    mark.release()
    with ThreadPoolExecutor(4) as lookers:
        seen = list(lookers.map(lambda _: other.stands(), range(2000)))
    assert not any(seen)


def test_one_process_has_the_mark_of_the_background(tmp_path: Path) -> None:
    mark, other = BackgroundMark(tmp_path), BackgroundMark(tmp_path)
    assert not other.stands()
    assert mark.take()
    assert not other.take()
    assert (other.stands(), other.pid) == (True, os.getpid())
    mark.release()
    assert (other.stands(), other.pid) == (False, None)
