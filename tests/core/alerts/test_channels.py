"""Channels come from the configuration alone, say nothing of their addresses, and survive hostile receivers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from polydesk.core.alerts.apprise_channel import AppriseChannel
from polydesk.core.alerts.channel import ChannelFailed, Message
from polydesk.core.alerts.channels import channel_configs, learn_secrets, open_channels
from polydesk.core.alerts.desktop import DesktopChannel
from polydesk.core.alerts.webhook import WebhookChannel
from polydesk.core.errors import ConfigurationError
from polydesk.core.telemetry.redaction import SECRETS, redacted
from tests.support.webhook_receiver import Receiver, answer, webhook_receiver

MESSAGE = Message(
    "d_1",
    "polydesk (live): order",
    "an <order> is filled",
    {"id": "d_1", "text": "ä"},
    datetime(2026, 6, 1, tzinfo=UTC),
)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with webhook_receiver() as one:
        yield one


@pytest.mark.parametrize(
    ("configured", "says"),
    [
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ('{"phone": {"kind": "pigeon", "url": "https://secret.example/abc"}}', "phone"),
        ('{"phone": {"kind": "webhook"}}', "phone: Field required"),
        ('{"Phone!": {"kind": "desktop"}}', "pattern"),
        (
            '{"phone": {"kind": "webhook", "url": "http://secret.example/abc"}}',
            "must be https, or http on this machine",
        ),
        ('{"phone": {"kind": "webhook", "url": "file:///etc/passwd"}}', "must be https"),
        ('{"phone": {"kind": "webhook", "url": "https://[bad"}}', "must be https"),
        ('{"phone": {"kind": "webhook", "url": "https://a.example:99999/"}}', "must be https"),
    ],
)
def test_a_configuration_that_cannot_be_used_says_where_and_no_address(configured: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        channel_configs(configured)
    assert says in refused.value.message
    assert "secret.example" not in refused.value.message


def test_addresses_and_signing_keys_are_masked_from_then_on() -> None:
    configs = channel_configs(
        '{"phone": {"kind": "webhook", "url": "https://a.example/very-long-path", "secret": "a signing key of mine"}}'
    )
    learn_secrets(configs)
    assert "very-long-path" not in redacted("posted to https://a.example/very-long-path")
    assert SECRETS.are_in("a signing key of mine")
    hooked = '{"chat": {"kind": "webhook", "url": "https://hooks.example.org/services/T0AB/vZq81LmPx73KdWc9RtYb"}}'
    learn_secrets(channel_configs(hooked))
    # As a program that logs requests would repeat it.
    assert "vZq81LmPx73KdWc9RtYb" not in redacted("POST /services/T0AB/vZq81LmPx73KdWc9RtYb 204")
    assert redacted("hooks.example.org did not answer") == "hooks.example.org did not answer"
    assert "very-long-path" not in repr(configs)
    assert set(open_channels(configs)) == {"phone"}
    assert channel_configs(None) == {}


async def test_a_webhook_gets_signed_json_with_a_key_that_tells_repeats(receiver: Receiver) -> None:
    channel = WebhookChannel(receiver.url, secret="hush")
    await channel.send(MESSAGE)
    await channel.send(MESSAGE)
    first, second = receiver.received
    assert first.body == second.body
    assert json.loads(first.body) == {"id": "d_1", "text": "ä"}
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] == "d_1"
    stamp = first.headers["x-polydesk-timestamp"].encode()
    signed = hmac.new(b"hush", stamp + b"." + first.body, hashlib.sha256).hexdigest()
    assert first.headers["x-polydesk-signature"] == f"sha256={signed}"


@pytest.mark.parametrize(
    ("status", "lasting"),
    [(500, False), (503, False), (429, False), (408, False), (404, True), (401, True), (302, True)],
)
async def test_statuses_say_whether_to_try_again(receiver: Receiver, status: int, lasting: bool) -> None:
    receiver.answers = [answer(status)]
    with pytest.raises(ChannelFailed) as failed:
        await WebhookChannel(receiver.url).send(MESSAGE)
    assert failed.value.lasting is lasting
    assert str(status) in str(failed.value)
    assert "127.0.0.1" not in str(failed.value)


async def test_a_redirect_is_not_followed_wherever_it_leads(receiver: Receiver) -> None:
    async with webhook_receiver() as inner:
        receiver.answers = [answer(307, headers=f"Location: {inner.url}\r\n")]
        with pytest.raises(ChannelFailed, match="not followed"):
            await WebhookChannel(receiver.url).send(MESSAGE)
        assert inner.received == []


async def test_a_huge_answer_is_not_read(receiver: Receiver) -> None:
    receiver.otherwise = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n" + b"x" * 100_000
    await WebhookChannel(receiver.url).send(MESSAGE)
    assert len(receiver.received) == 1


async def test_a_receiver_that_does_not_answer_is_given_up_in_time(receiver: Receiver) -> None:
    receiver.hold = asyncio.Event()
    with pytest.raises(ChannelFailed, match=r"no answer within 0.2 s"):
        await WebhookChannel(receiver.url, timeout_s=0.2).send(MESSAGE)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 2000 what\r\n\r\n"])
async def test_a_receiver_that_speaks_no_http_is_a_failure_to_try_again(receiver: Receiver, said: bytes) -> None:
    receiver.otherwise = said
    with pytest.raises(ChannelFailed, match="could not be reached") as failed:
        await WebhookChannel(receiver.url).send(MESSAGE)
    assert not failed.value.lasting


async def test_nobody_listens() -> None:
    with pytest.raises(ChannelFailed, match="could not be reached"):
        await WebhookChannel("http://127.0.0.1:9/x").send(MESSAGE)


# -- the desktop ------------------------------------------------------------------------------------------------------


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return tmp_path


async def test_the_desktop_gets_texts_as_arguments_without_markup(programs: Path) -> None:
    program(programs, "notify-send", f'printf "%s|" "$@" > {programs}/told')
    await DesktopChannel(platform="linux").send(MESSAGE)
    told = (programs / "told").read_text().split("|")[:-1]
    assert told == ["--app-name=polydesk", "--", "polydesk (live): order", "an &lt;order&gt; is filled"]


async def test_on_macos_the_script_never_holds_the_text(programs: Path) -> None:
    program(programs, "osascript", f'printf "%s|" "$@" > {programs}/told')
    await DesktopChannel(platform="darwin").send(MESSAGE)
    told = (programs / "told").read_text().split("|")[:-1]
    assert told[-2:] == ["polydesk (live): order", "an <order> is filled"]
    assert "an <order> is filled" not in told[:-2]


async def test_on_macos_no_text_is_taken_for_an_option_that_brings_a_script(programs: Path) -> None:
    reads = f'while getopts "e:il:s:" option; do printf "%s|" "$OPTARG"; done > {programs}/options'
    program(programs, "osascript", reads)
    hostile = replace(MESSAGE, text='-edo shell script "true" of "Rain?" is at 0.7')
    await DesktopChannel(platform="darwin").send(hostile)
    options = (programs / "options").read_text().split("|")[:-1]
    assert (options[0], options[-1], len(options)) == ("on run argv", "end run", 3)


async def test_a_desktop_that_cannot_show_anything_says_so(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs, "notify-send", "exit 3")
    with pytest.raises(ChannelFailed, match="ended with code 3"):
        await DesktopChannel(platform="linux").send(MESSAGE)
    program(programs, "notify-send", "exec sleep 60")
    with pytest.raises(ChannelFailed, match="did not end"):
        await DesktopChannel(platform="linux", timeout_s=0.2).send(MESSAGE)
    monkeypatch.setenv("PATH", str(programs / "nowhere"))
    with pytest.raises(ChannelFailed, match="is not installed") as failed:
        await DesktopChannel(platform="linux").send(MESSAGE)
    assert failed.value.lasting


# -- Apprise ----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
async def test_apprise_carries_a_message_to_a_receiver(receiver: Receiver) -> None:
    pytest.importorskip("apprise")
    await AppriseChannel(receiver.url.replace("http://", "json://"), name="team").send(MESSAGE)
    (document,) = await receiver.wait_for(1)
    assert (document["title"], document["message"]) == (MESSAGE.title, MESSAGE.text)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
async def test_apprise_tells_of_a_receiver_that_refuses(receiver: Receiver) -> None:
    pytest.importorskip("apprise")
    receiver.otherwise = answer(500)
    with pytest.raises(ChannelFailed, match="did not take it"):
        await AppriseChannel(receiver.url.replace("http://", "json://"), name="team").send(MESSAGE)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
@pytest.mark.parametrize(
    ("url", "says"),
    [("nonsense://x", "cannot read the url of team"), ("json://secret.example/x", "one that is encrypted")],
)
def test_apprise_refuses_what_it_does_not_know_and_plain_text_over_a_network(url: str, says: str) -> None:
    pytest.importorskip("apprise")
    with pytest.raises(ConfigurationError) as refused:
        AppriseChannel(url, name="team")
    assert says in refused.value.message
    assert "secret.example" not in refused.value.message


def test_without_the_extra_a_person_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(ConfigurationError, match=r"polydesk\[alerts\]"):
        AppriseChannel("json://127.0.0.1/x", name="team")
