"""``extra_config_json.oms.paper``: settings of an account's paper exchange.

Errors contain the key. Unknown keys are refused when an account is changed (``strict``) and ignored
in stored configurations, since an older version may have supported them.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from oms.domain.account import FeeTierSettings, LatencySettings, PaperSettings, ReplaySettings
from oms.domain.errors import Invalid
from oms.domain.money import NotADecimal, decimal_text, parse_decimal
from oms.domain.value import evolve
from oms.simulation.settings import FillModel
from oms.simulation.state.contract_overrides import MarginMode
from oms.wire.json import NotJson, loads

ValueReader = Callable[[Any], Any]

LIVE_SOURCE = "live"
#: Accounts with live prices have realistic delays by default.
LIVE_LATENCY = LatencySettings(
    decision=timedelta(milliseconds=50),
    ack=timedelta(milliseconds=30),
    stream=timedelta(milliseconds=20),
)

LEVERAGE_MAX = 1000
DELAY_MS_MAX = 3_600_000
#: Price sources; ``sim`` is an alias of ``walk``.
SOURCES = ("walk", "sim", "manual", "replay", LIVE_SOURCE)
STOCKS_MAX = 500
_TICKER = re.compile(r"[A-Z]{1,5}(\.[A-Z])?")
_KINDS = ("spot", "linear")
_DELAYS = ("decision", "ack", "stream", "jitter")
_PARSE_ERRORS = (AttributeError, KeyError, NotADecimal, OverflowError, TypeError, ValueError)


def read_paper_settings(extra_config: str, *, strict: bool = False) -> PaperSettings:
    """Parse ``oms.paper`` of ``extra_config_json``; absent keys have their defaults.

    Raises ``Invalid`` with code ``extra_config_refused``.
    """
    try:
        raw = loads(extra_config).get("oms", {}).get("paper", {})
        keys = list(raw.items())
    except (NotJson, AttributeError) as error:
        raise _refused(f"cannot be read: {error}") from error
    values: dict[str, Any] = {}
    for key, item in keys:
        if key not in PAPER_KEYS:
            if strict:
                raise _refused(f"has no key {key!r}; known are {', '.join(PAPER_KEYS)}")
            continue
        try:
            values |= PAPER_KEYS[key](item)
        except _PARSE_ERRORS as error:
            raise _refused(f"{key}: {error}") from error
    settings = PaperSettings(**values)
    if "latency" not in values and settings.uses(LIVE_SOURCE):
        settings = evolve(settings, latency=LIVE_LATENCY)
    return settings


def _refused(message: str) -> Invalid:
    return Invalid(f"extra_config: oms.paper {message}", code="extra_config_refused")


def _into_field(name: str, read: ValueReader) -> ValueReader:
    """Parse a value into the field ``name``; null keeps the default."""
    return lambda raw: {} if raw is None else {name: read(raw)}


def _number(least: str, most: str, *, is_open: bool = False) -> ValueReader:
    """Parse a decimal from ``least`` to ``most``; ``is_open`` excludes ``most``."""
    low, high = Decimal(least), Decimal(most)

    def read(raw: Any) -> Decimal:
        value = _decimal(raw)
        if not low <= value <= high or (is_open and value == high):
            relation = "below" if is_open else "to"
            interval = f"{decimal_text(low)} {relation} {decimal_text(high)}"
            raise ValueError(f"{decimal_text(value)} is not in {interval}")
        return value

    return read


def _decimal(raw: Any) -> Decimal:
    if not isinstance(raw, str | int | Decimal) or isinstance(raw, bool):
        raise TypeError("a number is expected")
    return parse_decimal(raw)


def _integer(least: int, most: int) -> ValueReader:
    def read(raw: Any) -> int:
        value = _decimal(raw)
        if value != value.to_integral_value() or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most} is expected")
        return int(value)

    return read


def _one_of(*choices: str) -> ValueReader:
    def read(raw: Any) -> str:
        if raw not in choices:
            raise ValueError(f"{raw!r} is none of {', '.join(choices)}")
        return str(raw)

    return read


def _flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise TypeError("true or false is expected")
    return raw


def _object(raw: Any) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise TypeError("an object is expected")
    return raw


def _sources(raw: Any) -> dict[str, str]:
    return {symbol: _one_of(*SOURCES)(source) for symbol, source in _object(raw).items()}


def _balances(raw: Any) -> dict[str, Decimal]:
    amounts = {currency: _decimal(amount) for currency, amount in _object(raw).items()}
    if any(amount < 0 for amount in amounts.values()):
        raise ValueError("no balance can be below 0")
    return amounts


_RATE = _number("-1", "1")


def _commission(raw: Any) -> dict[str, Decimal | None]:
    """Parse one rate for both, or ``{maker, taker}``."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        return {"maker": _RATE(raw), "taker": _RATE(raw)}
    unknown = raw.keys() - {"maker", "taker"}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is none of maker, taker")
    return {name: _RATE(rate) for name, rate in raw.items() if rate is not None}


def _fee_tiers(raw: Any) -> dict[str, tuple[FeeTierSettings, ...]]:
    """Parse ``{spot, linear}``, each a list, or one list for both."""
    kinds = dict.fromkeys(_KINDS, raw) if isinstance(raw, list) else _object(raw)
    return {_one_of(*_KINDS)(kind): _tiers(tiers) for kind, tiers in kinds.items()}


def _tiers(raw: Any) -> tuple[FeeTierSettings, ...]:
    if not isinstance(raw, list):
        raise TypeError("a list of {volume, maker, taker} is expected")
    tiers = [
        FeeTierSettings(
            volume=_number("0", "1e17")(item["volume"]),
            maker=_RATE(item["maker"]),
            taker=_RATE(item["taker"]),
        )
        for item in map(_object, raw)
    ]
    return tuple(sorted(tiers, key=lambda tier: tier.volume))


def _latency(raw: Any) -> LatencySettings | None:
    """Parse one delay for all, or an object of delays; ``None`` if all are 0."""
    read = _number("0", str(DELAY_MS_MAX))
    if isinstance(raw, dict):
        delays = {_one_of(*_DELAYS)(name): read(item) for name, item in raw.items()}
    else:
        delays = dict.fromkeys(_DELAYS[:3], read(raw))
    if not any(delays.values()):
        return None
    return LatencySettings(
        **{name: timedelta(microseconds=int(ms * 1000)) for name, ms in delays.items()}
    )


def _age(raw: Any) -> timedelta:
    seconds = _number("0.001", "86400")(raw)
    return timedelta(microseconds=int(seconds * 1_000_000))


def _replay(raw: Any) -> ReplaySettings:
    defaults, raw = ReplaySettings(), _object(raw)
    speed, start = raw.get("speed", defaults.speed), raw.get("start")
    settings = ReplaySettings(
        file=_names(raw.get("file")),
        files={str(symbol): _names(names) for symbol, names in raw.get("files", {}).items()},
        speed=Decimal(0) if speed == "max" else _decimal(speed),
        loop=_flag(raw.get("loop", defaults.loop)),
        start=None if start is None else _moment(start),
    )
    if settings.speed < 0:
        raise ValueError("speed must not be negative")
    return settings


def _names(raw: Any) -> tuple[str, ...]:
    """Parse one file name, or a list of them."""
    if raw is None:
        return ()
    return (raw,) if isinstance(raw, str) else tuple(str(name) for name in raw)


def _stocks(raw: Any) -> tuple[str, ...]:
    if not isinstance(raw, list) or len(raw) > STOCKS_MAX:
        raise TypeError(f"a list of at most {STOCKS_MAX} tickers is expected")
    for ticker in raw:
        if not isinstance(ticker, str) or _TICKER.fullmatch(ticker) is None:
            raise ValueError(f"{ticker!r} is no ticker of a US stock, as AAPL or BRK.B")
    return tuple(dict.fromkeys(raw))


def _moment(raw: str) -> datetime:
    moment = datetime.fromisoformat(raw)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


PAPER_KEYS: Mapping[str, ValueReader] = {
    "source": _into_field("source", _one_of(*SOURCES)),
    "sources": _into_field("sources", _sources),
    "replay": _into_field("replay", _replay),
    "seed": _into_field("seed", _integer(-(2**63), 2**63 - 1)),
    "walk_start": _into_field("walk_start", _moment),
    "balances": _into_field("balances", _balances),
    "commission": _commission,
    "maker": _into_field("maker", _RATE),
    "taker": _into_field("taker", _RATE),
    "fee_tiers": _into_field("fee_tiers", _fee_tiers),
    "fee_currency": _into_field(
        "base_fee_on_buy", lambda raw: _one_of("base_on_buy", "quote")(raw) == "base_on_buy"
    ),
    "allow_spot_short": _into_field("allow_spot_short", _flag),
    "leverage": _into_field("leverage", _integer(1, LEVERAGE_MAX)),
    "margin_mode": _into_field("margin_mode", _one_of(*MarginMode)),
    "position_mode": _into_field("hedge", lambda raw: _one_of("one_way", "hedge")(raw) == "hedge"),
    "funding_rate": _into_field("funding_rate", _RATE),
    "spread_bps": _into_field("spread_bps", _number("0", "10000", is_open=True)),
    "slippage": _into_field("slippage", _number("0", "1", is_open=True)),
    "impact": _into_field("impact", _number("0", "1", is_open=True)),
    "fill": _into_field("fill", _one_of(*FillModel)),
    "queue_cancels": _into_field(
        "queue_prorata", lambda raw: _one_of("none", "prorata")(raw) == "prorata"
    ),
    "partial_fill": _into_field("partial_fill", _number("0", "1", is_open=True)),
    "reject_rate": _into_field("reject_rate", _number("0", "1")),
    "volume_cap_pct": _into_field("volume_cap_pct", _number("0", "100")),
    "max_price_age": _into_field("max_price_age", _age),
    "latency_ms": _into_field("latency", _latency),
    "stocks": _into_field("stocks", _stocks),
}
"""Parsers of the keys into fields of ``PaperSettings``."""
