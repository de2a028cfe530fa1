"""Shows alerts as notifications of this machine's desktop, by the program that the system has for it."""

from __future__ import annotations

import asyncio
import html
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress

from .channel import ChannelFailed, Message

_TIMEOUT_S = 10.0
_SCRIPT = ("on run argv", "display notification (item 2 of argv) with title (item 1 of argv)", "end run")


class DesktopChannel:
    """`notify-send`, or `osascript` on macOS, started without a shell: texts are arguments and never code."""

    def __init__(self, *, platform: str = sys.platform, timeout_s: float = _TIMEOUT_S) -> None:
        self._platform = platform
        self._timeout_s = timeout_s

    async def send(self, message: Message) -> None:
        """Raises ChannelFailed."""
        command = self._command(message)
        program = shutil.which(command[0])
        if program is None:
            raise ChannelFailed(f"{command[0]} is not installed", lasting=True)
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                *command[1:],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError as error:
            raise ChannelFailed(f"{command[0]} could not be started ({error.strerror})") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                code = await process.wait()
        except TimeoutError as error:
            raise ChannelFailed(f"{command[0]} did not end within {self._timeout_s:g} s") from error
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if code:
            raise ChannelFailed(f"{command[0]} ended with code {code}")

    def _command(self, message: Message) -> Sequence[str]:
        if self._platform == "darwin":
            lines = [part for line in _SCRIPT for part in ("-e", line)]
            # The title first: it is our own and no option, so that nothing after it is taken for one. A text may begin
            # with what a market calls its outcome, and there is an option that brings a script.
            return ("osascript", *lines, message.title, message.text)
        # The text may be read as markup there.
        return ("notify-send", "--app-name=polydesk", "--", message.title, html.escape(message.text))
