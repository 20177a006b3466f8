"""Rows of ``accounts``, with what their owner set in ``extra_config_json``."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from oms.domain.account import Account, Environment, PaperSettings, PositionMode, ReplaySettings
from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, decimal
from oms.wire.json import NotJson, loads

#: Columns of an account where the table is named ``a`` and ``account_risk_state`` ``r``.
SELECTED = (
    "a.id, a.exchange_id, a.label, a.position_mode, a.environment, a.status,"
    " a.extra_config_json, COALESCE(r.allow_new_positions, 1)"
)
JOINED = "accounts a LEFT JOIN account_risk_state r ON r.account_id = a.id"


def account_of(row: Any) -> Account:
    """The account of a row of ``SELECTED``."""
    return Account(
        id=row[0],
        exchange_id=row[1],
        label=row[2],
        position_mode=PositionMode(row[3]),
        environment=Environment(row[4]),
        status=row[5],
        allow_new_positions=bool(row[7]),
        paper=paper_settings(row[6] or "{}"),
    )


def paper_settings(extra_config: str) -> PaperSettings:
    """The part ``oms.paper`` of ``extra_config_json``; absent keys have their defaults.

    Raises ``Invalid`` with code ``extra_config_refused``.
    """
    try:
        told = loads(extra_config).get("oms", {}).get("paper", {})
        return _settings(told)
    except (NotJson, NotADecimal, AttributeError, TypeError, ValueError, KeyError) as wrong:
        raise Invalid(
            f"extra_config: oms.paper cannot be read: {wrong}", code="extra_config_refused"
        ) from wrong


def _settings(told: dict[str, Any]) -> PaperSettings:
    usual = PaperSettings()
    commission = told.get("commission", told)
    balances = told.get("balances")
    return PaperSettings(
        source=str(told.get("source", usual.source)),
        sources={str(symbol): str(source) for symbol, source in told.get("sources", {}).items()},
        replay=_replay(told.get("replay", {})),
        seed=None if told.get("seed") is None else int(told["seed"]),
        balances=usual.balances
        if balances is None
        else {str(currency): decimal(amount) for currency, amount in balances.items()},
        maker=_rate(commission.get("maker")),
        taker=_rate(commission.get("taker")),
        base_fee_on_buy=_FEE_CURRENCY[told.get("fee_currency", "base_on_buy")],
        allow_spot_short=bool(told.get("allow_spot_short", usual.allow_spot_short)),
        leverage=int(told.get("leverage", usual.leverage)),
    )


def _replay(told: dict[str, Any]) -> ReplaySettings:
    usual = ReplaySettings()
    speed = told.get("speed", usual.speed)
    start = told.get("start")
    settings = ReplaySettings(
        file=_names(told.get("file")),
        files={str(symbol): _names(names) for symbol, names in told.get("files", {}).items()},
        speed=Decimal(0) if speed == "max" else decimal(speed),
        loop=bool(told.get("loop", usual.loop)),
        start=None if start is None else _moment(start),
    )
    if settings.speed < 0:
        raise ValueError("replay.speed must not be negative")
    return settings


def _names(told: Any) -> tuple[str, ...]:
    """One file name, or a list of them."""
    if told is None:
        return ()
    return (told,) if isinstance(told, str) else tuple(str(name) for name in told)


def _moment(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_FEE_CURRENCY = {"base_on_buy": True, "quote": False}


def _rate(value: Any) -> Decimal | None:
    return None if value is None else decimal(value)
