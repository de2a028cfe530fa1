"""`polydesk exchange` with its options: faults, recordings, folders; a file with a mistake starts nothing."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from polydesk.server.cli import main
from tests.support.processes import SOURCE_COMMAND, exchange

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"


def test_the_faults_of_a_file_happen(tmp_path: Path) -> None:
    rules = [
        {"kind": "rate_limited", "route": "/clob/ok", "count": 1, "retry_after": 3},
        {"kind": "reset_before_read", "route": "/clob/time", "count": 1},
    ]
    file = tmp_path / "faults.json"
    file.write_text(json.dumps(rules), encoding="utf-8")
    with exchange(SOURCE_COMMAND, tmp_path, "--no-traders", "--faults", str(file)) as addresses:
        limited = httpx2.get(f"{addresses['clob_url']}/ok")
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "3")
        assert httpx2.get(f"{addresses['clob_url']}/ok").status_code == 200
        with pytest.raises(httpx2.ReadError):
            httpx2.get(f"{addresses['clob_url']}/time")
        assert httpx2.get(f"{addresses['clob_url']}/time").status_code == 200


def test_a_mistake_in_the_file_is_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"kind": "rate_limited", "evry": 2}]', encoding="utf-8")
    assert main(["exchange", "--port", "0", "--faults", str(file)]) == 2
    assert "rule 1, evry" in capsys.readouterr().err


def test_a_users_own_rules_hold(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    rules = {"geoblocked_country": "FR", "chain_id": 80002, "starting_balance": "50", "signer_limits": "enforce"}
    file.write_text(json.dumps(rules), encoding="utf-8")
    with exchange(SOURCE_COMMAND, tmp_path, "--no-traders", "--settings", str(file)) as addresses:
        assert addresses["chain_id"] == 80002
        base = addresses["clob_url"].removesuffix("/clob")
        answer = httpx2.get(f"{base}/api/geoblock").json()
        assert (answer["blocked"], answer["country"]) == (True, "FR")
        refused = httpx2.post(f"{addresses['clob_url']}/order", json={})
        assert refused.status_code == 403
        assert refused.json()["error"].startswith("Trading restricted in your region")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold a JSON object"),
        ('{"signer_limit": "enforce"}', "there is no setting 'signer_limit'"),
        ('{"faults": []}', "there is no setting 'faults'"),
        ('{"signer_limits": "on"}', "signer_limits: Input should be 'off', 'warn' or 'enforce'"),
        ('{"settlement_failure_probability": 1.5}', "settlement_failure_probability: Input should be less than"),
        ('{"mined_after_s": -1}', "mined_after_s: Input should be greater than"),
    ],
)
def test_a_mistake_in_the_rules_is_code_2_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, complaint: str
) -> None:
    file = tmp_path / "rules.json"
    file.write_text(content, encoding="utf-8")
    assert main(["exchange", "--port", "0", "--settings", str(file)]) == 2
    assert complaint in capsys.readouterr().err
    assert main(["exchange", "--port", "0", "--settings", str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_recording_is_served_at_its_pace_or_at_once(tmp_path: Path) -> None:
    recorded = str(RECORDINGS / "btc_updown_15m")
    with exchange(SOURCE_COMMAND, tmp_path, "--replay", recorded) as addresses:
        (market,) = httpx2.get(f"{addresses['gamma_url']}/markets").json()
        assert (market["slug"], market["closed"]) == ("btc-updown-15m-1790586900", False)
        token = json.loads(market["clobTokenIds"])[0]
        book = httpx2.get(f"{addresses['clob_url']}/book", params={"token_id": token}).json()
        assert int(book["timestamp"]) < 1_790_586_990_000
    with exchange(SOURCE_COMMAND, tmp_path, "--replay", recorded, "--speed", "max") as addresses:
        for _ in range(200):
            found = httpx2.get(f"{addresses['gamma_url']}/markets", params={"closed": "true"}).json()
            if found:
                break
        assert json.loads(found[0]["outcomePrices"]) == ["0", "1"]


def test_a_folder_of_payloads_is_served(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    book = {
        "market": "0x" + "a" * 64,
        "asset_id": "1",
        "timestamp": "1790000000000",
        "bids": [{"price": "0.4", "size": "7"}],
        "asks": [],
    }
    (folder / "book.json").write_text(json.dumps(book))
    with exchange(SOURCE_COMMAND, tmp_path, "--no-traders", "--catalogue", str(folder)) as addresses:
        answer = httpx2.get(f"{addresses['clob_url']}/book", params={"token_id": "1"}).json()
        assert answer["bids"] == [{"price": "0.4", "size": "7"}]


def test_what_cannot_be_replayed_is_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "frames.jsonl"
    file.write_text('[]\n{"mid": "0.5"}\n')
    assert main(["exchange", "--port", "0", "--replay", str(file)]) == 2
    assert "frames.jsonl, line 2: neither a stream frame" in capsys.readouterr().err
    assert main(["exchange", "--port", "0", "--speed", "2"]) == 2
    assert "name one with --replay" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["exchange", "--replay", str(file), "--speed", "0"])
