from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polydesk.core.polymarket.clob import CLOBClient
from polydesk.core.polymarket.credential_file import CredentialFile
from polydesk.core.polymarket.credentials import ApiCredentials
from polydesk.core.polymarket.rejections import CredentialsRefused
from polydesk.core.polymarket.signing import Signer
from polydesk.core.polymarket.transport import Transport

if TYPE_CHECKING:
    from tests.core.polymarket.conftest import ScriptedVenue

OWNER = Signer(f"{7:064x}")
MADE = ApiCredentials(key="key-of-the-venue", secret="c2VjcmV0", passphrase="a passphrase")
MADE_ON_THE_WIRE = {"apiKey": MADE.key, "secret": MADE.secret, "passphrase": MADE.passphrase}
OTHERS_ON_THE_WIRE = {"apiKey": "another-key", "secret": "b3RoZXI=", "passphrase": "other"}


def credential_file(folder: Path, *, owner: Signer = OWNER, venue: str = "https://clob.test") -> CredentialFile:
    return CredentialFile(folder, owner=owner, venue=venue)


def only_file(folder: Path) -> Path:
    (file,) = folder.glob("*.json")
    return file


def test_what_was_kept_is_read_by_the_same_key_alone(tmp_path: Path) -> None:
    credential_file(tmp_path).save(MADE)
    assert credential_file(tmp_path).load() == MADE
    assert credential_file(tmp_path, venue="https://other.test").load() is None
    stranger = Signer(f"{8:064x}")
    only_file(tmp_path).rename(tmp_path / f"credentials-{stranger.address.lower()}.json")
    assert credential_file(tmp_path, owner=stranger).load() is None


def test_the_file_shows_no_secret_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    folder = tmp_path / "live"
    credential_file(folder).save(MADE)
    text = only_file(folder).read_text()
    assert not any(part in text for part in (MADE.key, MADE.secret, MADE.passphrase))
    assert stat.S_IMODE(only_file(folder).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", "not json", '{"format": 2, "venue": "https://clob.test", "salt": "?"}']
)
def test_a_damaged_file_counts_as_none_and_is_replaced(tmp_path: Path, content: str) -> None:
    credentials = credential_file(tmp_path)
    credentials.save(MADE)
    only_file(tmp_path).write_text(content)
    assert credentials.load() is None
    credentials.save(MADE)
    assert credentials.load() == MADE


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    credentials = credential_file(tmp_path)
    credentials.save(MADE)
    kept = json.loads(only_file(tmp_path).read_text())
    kept["sealed"] = ("A" if kept["sealed"][0] != "A" else "B") + kept["sealed"][1:]
    only_file(tmp_path).write_text(json.dumps(kept))
    assert credentials.load() is None


def test_a_folder_that_cannot_be_written_only_costs_the_keeping(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    credentials = credential_file(tmp_path / "file")
    credentials.save(MADE)
    assert credentials.load() is None


async def test_kept_credentials_spare_the_next_start_a_request(
    venue: ScriptedVenue, transport: Transport, tmp_path: Path
) -> None:
    venue.on("POST", "/auth/api-key", venue.json(MADE_ON_THE_WIRE))
    venue.on("GET", "/auth/api-keys", venue.json({"apiKeys": [MADE.key]}))
    for _ in range(2):
        await CLOBClient(transport, signer=OWNER, store=credential_file(tmp_path)).api_keys()
    assert venue.count("/auth/api-key") == 1
    assert venue.last.headers["poly_api_key"] == MADE.key


async def test_credentials_that_the_venue_forgot_are_replaced_and_the_read_goes_through(
    venue: ScriptedVenue, transport: Transport, tmp_path: Path
) -> None:
    credential_file(tmp_path).save(MADE)
    venue.on("POST", "/auth/api-key", venue.json(OTHERS_ON_THE_WIRE))
    venue.on("GET", "/auth/api-keys", venue.json({"error": "Unauthorized"}, 401), venue.json({"apiKeys": []}))
    clob = CLOBClient(transport, signer=OWNER, store=credential_file(tmp_path))
    assert await clob.api_keys() == ()
    assert venue.last.headers["poly_api_key"] == "another-key"
    kept = credential_file(tmp_path).load()
    assert kept is not None and kept.key == "another-key"


async def test_a_refusal_of_the_right_credentials_is_told_and_not_repeated(
    venue: ScriptedVenue, transport: Transport, tmp_path: Path
) -> None:
    credential_file(tmp_path).save(MADE)
    venue.on("POST", "/auth/api-key", venue.json({"error": "Could not create api key"}, 400))
    venue.on("GET", "/auth/derive-api-key", venue.json(MADE_ON_THE_WIRE))
    venue.on("GET", "/auth/api-keys", venue.json({"error": "Unauthorized"}, 401))
    clob = CLOBClient(transport, signer=OWNER, store=credential_file(tmp_path))
    with pytest.raises(CredentialsRefused):
        await clob.api_keys()
    assert venue.count("/auth/api-keys") == 1


async def test_configured_credentials_are_never_replaced(venue: ScriptedVenue, transport: Transport) -> None:
    venue.on("GET", "/auth/api-keys", venue.json({"error": "Unauthorized"}, 401))
    with pytest.raises(CredentialsRefused):
        await CLOBClient(transport, signer=OWNER, credentials=MADE).api_keys()
    assert venue.count("/auth/api-key") == 0


async def test_deleting_the_api_key_deletes_the_file(
    venue: ScriptedVenue, transport: Transport, tmp_path: Path
) -> None:
    credential_file(tmp_path).save(MADE)
    venue.on("DELETE", "/auth/api-key", venue.json("OK"))
    await CLOBClient(transport, signer=OWNER, store=credential_file(tmp_path)).delete_api_key()
    assert credential_file(tmp_path).load() is None
