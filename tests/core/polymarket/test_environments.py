"""Where a venue may be: encrypted, or on this machine; and nothing that switches the check of certificates off."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from polydesk.core.errors import ConfigurationError
from polydesk.core.polymarket.environments import Environment, environment_at

SECURE = {
    "clob_url": "https://venue.test",
    "gamma_url": "https://venue.test",
    "data_url": "https://venue.test",
    "ws_url": "wss://venue.test/ws",
}


def _at(**urls: str) -> Environment:
    whole = SECURE | urls
    return environment_at(
        "test",
        clob_url=whole["clob_url"],
        gamma_url=whole["gamma_url"],
        data_url=whole["data_url"],
        ws_url=whole["ws_url"],
        chain_id=137,
    )


@pytest.mark.parametrize("name", SECURE)
@pytest.mark.parametrize(
    "url",
    [
        "http://venue.test",
        "ws://venue.test",
        "HTTP://venue.test",
        "http://127.0.0.1.venue.test",
        "http://127.0.0.1@venue.test",
        "ftp://venue.test",
        "venue.test",
        "",
    ],
)
def test_nothing_beyond_this_machine_is_spoken_to_in_the_clear(name: str, url: str) -> None:
    with pytest.raises(ConfigurationError):
        _at(**{name: url})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "[::1]"])
def test_this_machine_may_be(host: str) -> None:
    url = f"http://{host}:1"
    assert _at(clob_url=url, gamma_url=url, data_url=url, ws_url=f"ws://{host}:1").is_loopback
    assert not _at(clob_url=url).is_loopback, "one address elsewhere makes it a venue elsewhere"


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="a user or a password") as refused:
        _at(clob_url="https://somebody:hunter2@venue.test")
    assert "hunter2" not in str(refused.value)


def test_no_line_of_the_program_switches_the_check_of_certificates_off() -> None:
    switched_off = re.compile(
        r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context|verify_mode|"
        r"verify_(?:tls|ssl)|ssl\s*=\s*False|insecure"
    )
    root = Path(__file__).parents[3]
    found = [
        f"{file.relative_to(root)}:{number}"
        for layer in ("core", "handlers", "server", "gpu")
        for file in (root / layer).rglob("*.py")
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if switched_off.search(line)
    ]
    assert found == []
