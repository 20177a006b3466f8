"""Client order ids: encoded, decoded, and distinguished from all others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.adapters.ccxt.orders.client_order_ids import (
    ATTEMPT_MAX,
    ORDER_ID_MAX,
    ClientOrderId,
    ClientOrderIdCodec,
    strip_venue_prefix,
)

TAGS = st.text("0123456789abcdef", min_size=8, max_size=8)
ORDERS = st.integers(0, ORDER_ID_MAX)
ATTEMPTS = st.integers(0, ATTEMPT_MAX)


@given(TAGS, ORDERS, ATTEMPTS)
def test_an_id_decodes_to_order_and_attempt(tag: str, order_id: int, attempt: int) -> None:
    names = ClientOrderIdCodec(tag)
    name = names.encode(order_id, attempt)
    assert len(name) == 32
    assert set(name) <= set("0123456789abcdef")
    assert names.decode(name) == ClientOrderId(order_id=order_id, attempt=attempt)
    assert names.order_id_of(name) == order_id


@given(TAGS, ORDERS, ATTEMPTS, st.integers(0, 31), st.sampled_from("0123456789abcdefg-A"))
def test_one_wrong_character_makes_an_id_foreign(
    tag: str, order_id: int, attempt: int, place: int, character: str
) -> None:
    names = ClientOrderIdCodec(tag)
    name = names.encode(order_id, attempt)
    error = name[:place] + character + name[place + 1 :]
    assert names.decode(error) == (names.decode(name) if error == name else None)


@given(TAGS, TAGS, ORDERS)
def test_ids_of_another_installation_are_foreign(mine: str, other: str, order_id: int) -> None:
    decoded = ClientOrderIdCodec(mine).order_id_of(ClientOrderIdCodec(other).encode(order_id, 1))
    assert decoded == (order_id if mine == other else None)


@pytest.mark.parametrize("name", [None, "", "x", "web-7f3c", "0" * 31, "0" * 33])
def test_other_ids_decode_to_nothing(name: str | None) -> None:
    assert ClientOrderIdCodec("0a1b2c3d").order_id_of(name) is None


def test_the_format_of_an_id() -> None:
    assert (
        ClientOrderIdCodec("0a1b2c3d").encode(7, 2)[:28] == "0a1b2c3d" + "0000000000000007" + "0002"
    )


def test_a_short_id_has_no_checksum_and_loses_its_prefix() -> None:
    """Gate keeps 28 characters and adds a prefix."""
    names = ClientOrderIdCodec("0a1b2c3d", is_short=True)
    name = names.encode(7, 2)
    assert name == "0a1b2c3d" + "0000000000000007" + "0002"
    assert names.decode(strip_venue_prefix(f"t-{name}")) == ClientOrderId(order_id=7, attempt=2)
    assert names.decode(ClientOrderIdCodec("0a1b2c3d").encode(7, 2)) is None
    assert ClientOrderIdCodec("0a1b2c3d").decode(name) is None
    assert strip_venue_prefix("t-mine") == "t-mine" and strip_venue_prefix(None) is None


def test_the_checksum_is_crc_16_xmodem() -> None:
    """The check value of the CRC catalogue for "123456789" is 0x31C3."""
    import binascii

    assert binascii.crc_hqx(b"123456789", 0) == 0x31C3
    name = ClientOrderIdCodec("0a1b2c3d").encode(7, 2)
    assert name[28:] == f"{binascii.crc_hqx(name[:28].encode(), 0):04x}"
