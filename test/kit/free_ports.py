"""Free TCP ports on 127.0.0.1 for servers that tests start.

A port is not reserved: it is free at the time of the call. It is drawn at random below the
ephemeral range of the kernel, so that no client socket takes it while its server restarts.
"""

import random
import socket

FIRST_PORT = 20_000
LAST_PORT = 32_000
ATTEMPTS_MAX = 200


def free_port() -> int:
    """Returns a port without a listener. Raises OSError after `ATTEMPTS_MAX` failed attempts."""
    draw = random.SystemRandom()
    for _ in range(ATTEMPTS_MAX):
        port = draw.randint(FIRST_PORT, LAST_PORT)
        if _is_free(port):
            return port
    raise OSError(f"no free port between {FIRST_PORT} and {LAST_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
