"""`polydesk alerts` for a person at a shell: beside a desk that runs, on the same file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polydesk.core.alerts.alert_book import AlertBook
from polydesk.core.clock import SystemClock
from polydesk.core.settings import load_settings
from polydesk.core.storage.database import DESK_FILE, Database
from polydesk.server.cli import main
from tests.support.alerting import alerting
from tests.support.processes import FED, answer_of
from tests.support.webhook_receiver import answer, webhook_receiver


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.setenv("POLYMARKET_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("POLYMARKET_MODE", "live")

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["alerts", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


async def test_a_person_lists_snoozes_resumes_and_ends_rules(tmp_path: Path, shell: Any) -> None:
    async with alerting(tmp_path) as ours:
        (rule,) = (await ours.arm("imbalance", market=FED, threshold=0.5))["rules"]
        await ours.told("imbalance")
        code, listed = shell("list")
        assert code == 0
        assert f"{rule['rule_id']}  imbalance of Yes of {FED}" in listed
        assert "leans to the asks" in listed
        found = json.loads(shell("list", "--json")[1])
        assert {"default_dead_letter", rule["rule_id"]} <= {each["rule_id"] for each in found["rules"]}
        assert shell("snooze", rule["rule_id"], "--minutes", "5")[0] == 0
        (line,) = [
            each
            for each in (await answer_of(ours.client, "manage_alerts", action="list"))["rules"]
            if each["rule_id"] == rule["rule_id"]
        ]
        assert line["snoozed_until"]
        code, said = shell("resume", rule["rule_id"], "--json")
        assert json.loads(said) == {"rule_id": rule["rule_id"], "snoozed_until": None}
        assert "Deleted" in shell("delete", rule["rule_id"])[1]
        code, said = shell("delete", rule["rule_id"])
        assert (code, "no rule" in said) == (2, True)
        code, said = shell("delete", "default_dead_letter")
        assert (code, "own rules" in said) == (2, True)


def test_without_a_desks_file_there_is_nothing_to_list(shell: Any) -> None:
    code, said = shell("list")
    assert (code, "no desk has written one" in said) == (2, True)


async def test_a_channel_can_be_tried(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async with webhook_receiver() as receiver:
        monkeypatch.setenv("POLYMARKET_ALERT_CHANNELS", json.dumps({"phone": receiver.channel()}))
        code, said = await asyncio.to_thread(shell, "test-channel", "phone")
        assert (code, said) == (0, "phone took it.\n")
        assert receiver.documents[0]["kind"] == "test"
        receiver.otherwise = answer(404)
        code, said = await asyncio.to_thread(shell, "test-channel", "phone", "--json")
        assert code == 1
        assert json.loads(said) == {"channel": "phone", "delivered": False, "error": "it answered 404"}
        code, said = await asyncio.to_thread(shell, "test-channel", "pager")
        assert (code, "No channel is called" in said) == (2, True)
        assert receiver.url not in said


async def test_a_rule_that_every_account_has_is_snoozed_for_all_of_them(tmp_path: Path, shell: Any) -> None:
    folder = load_settings(mode="live", state_dir=tmp_path).desk_folder
    database = Database.at(folder / DESK_FILE)
    try:
        books = [AlertBook(database, account=account, new_id=str) for account in ("0xa", "0xb")]
        for book in books:
            book.keep_defaults(["default_system_health"], now=SystemClock().now())
        assert shell("snooze", "default_system_health")[0] == 0
        assert all(book.get("default_system_health").snoozed_until for book in books)
    finally:
        database.close()
