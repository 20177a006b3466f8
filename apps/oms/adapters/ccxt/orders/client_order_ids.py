"""Names of our requests at an exchange: written and read without any table.

A name is 32 lower-case hex characters: 8 of the installation, 16 of the order, 4 of the attempt
and 4 of a check (CRC-16/XMODEM of the first 28). It fits the exchanges that take letters and
digits; it is no secret and proves nothing to anybody but us. Where 28 characters are all that a
venue keeps, the check is left out, and the venue sets ``t-`` before the rest.
"""

import binascii
import re

from oms.domain.value import value

_NAME = re.compile(r"[0-9a-f]{32}")
_CUT = re.compile(r"[0-9a-f]{28}")
_BEFORE_CUT = "t-"
_TAG = re.compile(r"[0-9a-f]{8}")
_ORDER_END, _ATTEMPT_END = 24, 28
ORDER_ID_MAX = 2**64 - 1
ATTEMPT_MAX = 2**16 - 1


@value
class ClientOrderId:
    """What a name of ours tells: the order, and which request about it."""

    order_id: int
    attempt: int


class ClientOrderIdCodec:
    """Names under one installation tag of 8 lower-case hex characters."""

    def __init__(self, tag: str, *, is_short: bool = False) -> None:
        assert _TAG.fullmatch(tag), f"an installation tag is 8 hex characters, not {tag!r}"
        self._tag = tag
        self._are_cut = is_short

    def encode(self, order_id: int, attempt: int) -> str:
        """The name of request ``attempt`` about an order."""
        assert 0 <= order_id <= ORDER_ID_MAX and 0 <= attempt <= ATTEMPT_MAX, "out of room"
        text = f"{self._tag}{order_id:016x}{attempt:04x}"
        return text if self._are_cut else text + _check(text)

    def read(self, name: str | None) -> ClientOrderId | None:
        """What ``name`` tells, ``None`` where it is not one of this installation's."""
        if name is None or not name.startswith(self._tag):
            return None
        if not self._is_whole(name):
            return None
        order_id = int(name[len(self._tag) : _ORDER_END], 16)
        return ClientOrderId(order_id=order_id, attempt=int(name[_ORDER_END:_ATTEMPT_END], 16))

    def _is_whole(self, name: str) -> bool:
        if self._are_cut:
            return _CUT.fullmatch(name) is not None
        is_name = _NAME.fullmatch(name) is not None
        return is_name and _check(name[:_ATTEMPT_END]) == name[_ATTEMPT_END:]

    def order_id_of(self, name: str | None) -> int | None:
        """Our order that bears ``name`` at the exchange, ``None`` for the names of others."""
        told = self.read(name)
        return None if told is None else told.order_id


def strip_venue_prefix(name: str | None) -> str | None:
    """``name`` as we gave it, where a venue sets something before names that it cuts."""
    if name is None or not name.startswith(_BEFORE_CUT):
        return name
    bare = name.removeprefix(_BEFORE_CUT)
    return bare if _CUT.fullmatch(bare) else name


def _check(text: str) -> str:
    return f"{binascii.crc_hqx(text.encode('ascii'), 0):04x}"
