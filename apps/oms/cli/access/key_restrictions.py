"""Restrictions of an API key from flags."""

import argparse
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_network

from oms.cli.output import CommandFailed
from oms.domain.access import Restrictions
from oms.domain.money import NotADecimal, parse_decimal


def parse_restrictions(parsed: argparse.Namespace) -> Restrictions:
    """Return the restrictions of the flags. Raises ``CommandFailed`` naming an invalid flag."""
    return Restrictions(
        expires_at=_time(parsed.expires_at),
        networks=_networks(parsed.ip_allowlist),
        max_order_notional=_amount("--max-order-notional", parsed.max_order_notional),
        max_day_notional=_amount("--max-day-notional", parsed.max_day_notional),
    )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"--expires-at: {text!r} is no RFC 3339 time", status=2) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _networks(text: str | None) -> tuple[IPv4Network | IPv6Network, ...]:
    parts = [part.strip() for part in (text or "").split(",")]
    try:
        return tuple(ip_network(part) for part in parts if part)
    except ValueError as error:
        raise CommandFailed(f"--ip-allowlist: {error}", status=2) from None


def _amount(flag: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        amount = parse_decimal(text)
    except NotADecimal as error:
        raise CommandFailed(f"{flag}: {error}", status=2) from None
    if amount <= 0:
        raise CommandFailed(f"{flag}: above 0 is expected", status=2)
    return amount
