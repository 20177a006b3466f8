"""Free TCP ports on 127.0.0.1, for servers that tests start themselves.

Not a reservation: a port is free when it is returned. It is drawn at random below the range from
which the kernel serves outgoing connections, so that no client socket takes it while its server is
being restarted.
"""

import random
import socket

FIRST_PORT = 20_000
LAST_PORT = 32_000
ATTEMPTS_MAX = 200


def free_port() -> int:
    """A port that nobody listens on. Raises OSError when none is found in `ATTEMPTS_MAX` draws."""
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
