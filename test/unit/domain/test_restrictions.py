"""Key restrictions: addresses, and comparison of restrictions."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_network

import pytest

from oms.domain.access import UNRESTRICTED, Restrictions, is_tighter, refuse_ip
from oms.domain.value import evolve

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HELD = Restrictions(
    expires_at=NOON,
    networks=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
    max_order_notional=Decimal(100),
    max_day_notional=Decimal(1000),
)


@pytest.mark.parametrize(
    "ip", ["10.1.2.3", "10.255.255.255", "2001:db8::1", "::ffff:10.0.0.7", "2001:db8:ffff::"]
)
def test_allowed_addresses(ip: str) -> None:
    assert refuse_ip(HELD, ip) is None


@pytest.mark.parametrize("ip", ["11.0.0.1", "2001:db9::1", "::ffff:11.0.0.1", "", "unix:", "10"])
def test_refused_addresses(ip: str) -> None:
    refused = refuse_ip(HELD, ip)
    assert refused is not None and refused.code == "ip_not_allowed"
    assert refuse_ip(UNRESTRICTED, ip) is None


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"expires_at": NOON - timedelta(seconds=1)},
        {"networks": (ip_network("10.2.0.0/16"),)},
        {"networks": (ip_network("2001:db8:1::/48"), ip_network("10.0.0.1/32"))},
        {"max_order_notional": Decimal("99.5")},
        {"max_day_notional": Decimal(0)},
    ],
)
def test_tighter(change: dict[str, object]) -> None:
    assert is_tighter(evolve(HELD, **change), HELD)
    assert is_tighter(evolve(HELD, **change), UNRESTRICTED)


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": NOON + timedelta(microseconds=1)},
        {"expires_at": None},
        {"networks": ()},
        {"networks": (ip_network("0.0.0.0/0"),)},
        {"networks": (ip_network("10.2.0.0/16"), ip_network("11.0.0.0/16"))},
        {"max_order_notional": None},
        {"max_day_notional": Decimal(1001)},
    ],
)
def test_not_tighter(change: dict[str, object]) -> None:
    assert not is_tighter(evolve(HELD, **change), HELD)
