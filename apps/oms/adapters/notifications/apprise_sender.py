"""Apprise: messages to mail, chats and phones, sent by a process of its own.

The library is optional, large, and blocks while it sends. A process per message can be ended after
the time of an attempt, and refuses connections to addresses that are not public whatever the
library resolves or follows.
"""

import asyncio
import json
import sys

from oms.adapters.processor_priority import ProcessorPriority
from oms.domain.notifications.delivery import ATTEMPT_SECONDS_MAX
from oms.ports.runner.notifications import Message, SendError
from oms.wire.notifications.messages import message_text

START_SECONDS_MAX = 10.0
"""Time that the process may need to load the library, besides that of an attempt."""
CPU_SECONDS = 2.0
"""Processor time, that of the start included, after which everything else comes first."""
_REASONS = {2: "Apprise is not installed", 3: "no service of Apprise has an address of this form"}
_REFUSED = 4
_TEXT_CHARACTERS_MAX = 1500


class AppriseSender:
    """``ports.runner.notifications.Sender`` through Apprise."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    async def send(self, url: str, secret: str | None, message: Message) -> None:
        """Send a message. Raises ``SendError``."""
        request = {
            "url": url,
            "title": f"oms: {message.event.replace('_', ' ')}",
            "body": message_text(message.body)[:_TEXT_CHARACTERS_MAX],
            "allow_private": self._allow_private,
            "seconds": ATTEMPT_SECONDS_MAX,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "oms.adapters.notifications.apprise_process"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            with ProcessorPriority(process.pid).limit(CPU_SECONDS):
                async with asyncio.timeout(START_SECONDS_MAX + ATTEMPT_SECONDS_MAX):
                    await process.communicate(json.dumps(request).encode())
        except TimeoutError:
            raise SendError("no answer in time") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == _REFUSED:
            raise SendError("its address is not public")
        if process.returncode != 0:
            raise SendError(_REASONS.get(process.returncode or 1, "Apprise could not send it"))
