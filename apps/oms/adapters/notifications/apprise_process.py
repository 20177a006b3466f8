"""Sends one message with Apprise: a JSON object on stdin, the outcome as the exit status.

0 sent · 1 not sent · 2 Apprise is not installed · 3 unknown address · 4 an address is not public.
"""

import json
import signal
import sys
from typing import Any

from oms.adapters.notifications.public_addresses import is_public

SENT, NOT_SENT, NOT_INSTALLED, UNKNOWN_ADDRESS, NOT_PUBLIC = range(5)


def main() -> int:
    """Send the message of stdin."""
    request = json.load(sys.stdin)
    try:
        import apprise
    except ImportError:
        return NOT_INSTALLED
    refused: list[object] = []
    if not request["allow_private"]:
        _refuse_private_connections(refused)
    sender = apprise.Apprise()
    if not sender.add(request["url"]):  # Loads the services, which takes a second.
        return UNKNOWN_ADDRESS
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])  # SIGALRM ends the process
    is_sent = sender.notify(title=request["title"], body=request["body"])
    if refused:
        return NOT_PUBLIC
    return SENT if is_sent else NOT_SENT


def _refuse_private_connections(refused: list[object]) -> None:
    """Refuse connections of this process to addresses that are not public, and to local sockets."""

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"):
            refused.append(event)
            raise PermissionError("no programs are started")
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return
        address = arguments[1]
        is_inet = isinstance(address, tuple) and bool(address)
        if not (is_inet and is_public(str(address[0]))):
            refused.append(address)
            raise PermissionError("the address is not public")

    sys.addaudithook(check)


if __name__ == "__main__":
    sys.exit(main())
