"""Messages between the runner and a process of strategies: a length of four bytes, then JSON.

JSON and not pickle: what a process answers is data, whatever its code does.
"""

from typing import Any

import orjson

LENGTH_BYTES = 4
FRAME_BYTES_MAX = 64 * 1024 * 1024
Message = dict[str, Any]
CONTINUES = "continues"
"""Key of an answer of a calculation that is asked for its next part."""


def encode_frame(message: Message) -> bytes:
    """Return a message as it is sent."""
    body = orjson.dumps(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def frame_length(head: bytes) -> int:
    """Return the bytes of the body after a head. Raises ``ValueError`` for too many."""
    length = int.from_bytes(head, "big")
    if length > FRAME_BYTES_MAX:
        raise ValueError(f"a message of {length} bytes; at most {FRAME_BYTES_MAX} are read")
    return length


def decode_frame(body: bytes) -> Message:
    """Return the message of a body. Raises ``ValueError``."""
    message = orjson.loads(body)
    if not isinstance(message, dict):
        raise ValueError("a message is an object")
    return message
