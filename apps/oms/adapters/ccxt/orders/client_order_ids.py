"""Client order ids: encoded and decoded without any table.

An id is 32 lower-case hex characters: 8 of the installation, 16 of the order, 4 of the attempt and
4 of a checksum (CRC-16/XMODEM of the first 28). It fits venues that take letters and digits. It is
no secret and no proof. Where a venue keeps 28 characters only, the checksum is left out, and the
venue adds ``t-`` in front.
"""

import binascii
import re

from oms.domain.value import value

_FULL_ID = re.compile(r"[0-9a-f]{32}")
_SHORT_ID = re.compile(r"[0-9a-f]{28}")
_SHORT_PREFIX = "t-"
_TAG = re.compile(r"[0-9a-f]{8}")
_ORDER_END, _ATTEMPT_END = 24, 28
ORDER_ID_MAX = 2**64 - 1
ATTEMPT_MAX = 2**16 - 1


@value
class ClientOrderId:
    """The order and the attempt that a client order id stands for."""

    order_id: int
    attempt: int


class ClientOrderIdCodec:
    """Client order ids of one installation, whose tag is 8 lower-case hex characters."""

    def __init__(self, tag: str, *, is_short: bool = False) -> None:
        assert _TAG.fullmatch(tag), f"an installation tag is 8 hex characters, not {tag!r}"
        self._tag = tag
        self._are_cut = is_short

    def encode(self, order_id: int, attempt: int) -> str:
        """Returns the client order id of attempt ``attempt`` of an order."""
        assert 0 <= order_id <= ORDER_ID_MAX and 0 <= attempt <= ATTEMPT_MAX, "out of range"
        text = f"{self._tag}{order_id:016x}{attempt:04x}"
        return text if self._are_cut else text + _checksum(text)

    def decode(self, client_id: str | None) -> ClientOrderId | None:
        """Returns what ``client_id`` stands for; ``None`` if it is not of this installation."""
        if client_id is None or not client_id.startswith(self._tag):
            return None
        if not self._is_valid(client_id):
            return None
        order_id = int(client_id[len(self._tag) : _ORDER_END], 16)
        return ClientOrderId(order_id=order_id, attempt=int(client_id[_ORDER_END:_ATTEMPT_END], 16))

    def _is_valid(self, client_id: str) -> bool:
        if self._are_cut:
            return _SHORT_ID.fullmatch(client_id) is not None
        is_full = _FULL_ID.fullmatch(client_id) is not None
        return is_full and _checksum(client_id[:_ATTEMPT_END]) == client_id[_ATTEMPT_END:]

    def order_id_of(self, client_id: str | None) -> int | None:
        """Returns the order that ``client_id`` belongs to; ``None`` for ids of others."""
        decoded = self.decode(client_id)
        return None if decoded is None else decoded.order_id


def strip_venue_prefix(client_id: str | None) -> str | None:
    """Returns ``client_id`` without the prefix that a venue adds to short ids."""
    if client_id is None or not client_id.startswith(_SHORT_PREFIX):
        return client_id
    rest = client_id.removeprefix(_SHORT_PREFIX)
    return rest if _SHORT_ID.fullmatch(rest) else client_id


def _checksum(text: str) -> str:
    return f"{binascii.crc_hqx(text.encode('ascii'), 0):04x}"
