"""``extra_config_json.oms.paper``: settings of an account's paper exchange.

Errors contain the key. Unknown keys are refused when an account is changed (``strict``) and ignored
in stored configurations, since an older version may have supported them.
"""

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
_KINDS = ("spot", "linear")
_WAYS = ("decision", "ack", "stream", "jitter")
_WRONG = (AttributeError, KeyError, NotADecimal, OverflowError, TypeError, ValueError)


def read_paper_settings(extra_config: str, *, strict: bool = False) -> PaperSettings:
    """Parse ``oms.paper`` of ``extra_config_json``; absent keys have their defaults.

    Raises ``Invalid`` with code ``extra_config_refused``.
    """
    try:
        told = loads(extra_config).get("oms", {}).get("paper", {})
        keys = list(told.items())
    except (NotJson, AttributeError) as wrong:
        raise _refused(f"cannot be read: {wrong}") from wrong
    values: dict[str, Any] = {}
    for key, each in keys:
        if key not in PAPER_KEYS:
            if strict:
                raise _refused(f"has no key {key!r}; known are {', '.join(PAPER_KEYS)}")
            continue
        try:
            values |= PAPER_KEYS[key](each)
        except _WRONG as wrong:
            raise _refused(f"{key}: {wrong}") from wrong
    settings = PaperSettings(**values)
    if "latency" not in values and settings.uses(LIVE_SOURCE):
        settings = evolve(settings, latency=LIVE_LATENCY)
    return settings


def _refused(message: str) -> Invalid:
    return Invalid(f"extra_config: oms.paper {message}", code="extra_config_refused")


def _put(name: str, read: ValueReader) -> ValueReader:
    """Parse a value into the field ``name``; null keeps the default."""
    return lambda told: {} if told is None else {name: read(told)}


def _number(least: str, most: str, *, is_open: bool = False) -> ValueReader:
    """Parse a decimal from ``least`` to ``most``; ``is_open`` excludes ``most``."""
    low, high = Decimal(least), Decimal(most)

    def read(told: Any) -> Decimal:
        value = _decimal(told)
        if not low <= value <= high or (is_open and value == high):
            word = "below" if is_open else "to"
            raise ValueError(
                f"{decimal_text(value)} is not in {decimal_text(low)} {word} {decimal_text(high)}"
            )
        return value

    return read


def _decimal(told: Any) -> Decimal:
    if not isinstance(told, str | int | Decimal) or isinstance(told, bool):
        raise TypeError("a number is expected")
    return parse_decimal(told)


def _integer(least: int, most: int) -> ValueReader:
    def read(told: Any) -> int:
        value = _decimal(told)
        if value != value.to_integral_value() or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most} is expected")
        return int(value)

    return read


def _word(*words: str) -> ValueReader:
    def read(told: Any) -> str:
        if told not in words:
            raise ValueError(f"{told!r} is none of {', '.join(words)}")
        return str(told)

    return read


def _flag(told: Any) -> bool:
    if not isinstance(told, bool):
        raise TypeError("true or false is expected")
    return told


def _object(told: Any) -> Mapping[str, Any]:
    if not isinstance(told, dict):
        raise TypeError("an object is expected")
    return told


def _sources(told: Any) -> dict[str, str]:
    return {symbol: _word(*SOURCES)(source) for symbol, source in _object(told).items()}


def _balances(told: Any) -> dict[str, Decimal]:
    amounts = {currency: _decimal(amount) for currency, amount in _object(told).items()}
    if any(amount < 0 for amount in amounts.values()):
        raise ValueError("no balance can be below 0")
    return amounts


_RATE = _number("-1", "1")


def _commission(told: Any) -> dict[str, Decimal | None]:
    """Parse one rate for both, or ``{maker, taker}``."""
    if told is None:
        return {}
    if not isinstance(told, dict):
        return {"maker": _RATE(told), "taker": _RATE(told)}
    unknown = told.keys() - {"maker", "taker"}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} is none of maker, taker")
    return {name: _RATE(rate) for name, rate in told.items() if rate is not None}


def _fee_tiers(told: Any) -> dict[str, tuple[FeeTierSettings, ...]]:
    """Parse ``{spot, linear}``, each a list, or one list for both."""
    kinds = dict.fromkeys(_KINDS, told) if isinstance(told, list) else _object(told)
    return {_word(*_KINDS)(kind): _tiers(tiers) for kind, tiers in kinds.items()}


def _tiers(told: Any) -> tuple[FeeTierSettings, ...]:
    if not isinstance(told, list):
        raise TypeError("a list of {volume, maker, taker} is expected")
    tiers = [
        FeeTierSettings(
            volume=_number("0", "1e17")(each["volume"]),
            maker=_RATE(each["maker"]),
            taker=_RATE(each["taker"]),
        )
        for each in map(_object, told)
    ]
    return tuple(sorted(tiers, key=lambda tier: tier.volume))


def _latency(told: Any) -> LatencySettings | None:
    """Parse one delay for all, or an object of delays; ``None`` if all are 0."""
    read = _number("0", str(DELAY_MS_MAX))
    if isinstance(told, dict):
        ways = {_word(*_WAYS)(way): read(each) for way, each in told.items()}
    else:
        ways = dict.fromkeys(_WAYS[:3], read(told))
    if not any(ways.values()):
        return None
    return LatencySettings(
        **{way: timedelta(microseconds=int(ms * 1000)) for way, ms in ways.items()}
    )


def _age(told: Any) -> timedelta:
    seconds = _number("0.001", "86400")(told)
    return timedelta(microseconds=int(seconds * 1_000_000))


def _replay(told: Any) -> ReplaySettings:
    usual, told = ReplaySettings(), _object(told)
    speed, start = told.get("speed", usual.speed), told.get("start")
    settings = ReplaySettings(
        file=_names(told.get("file")),
        files={str(symbol): _names(names) for symbol, names in told.get("files", {}).items()},
        speed=Decimal(0) if speed == "max" else _decimal(speed),
        loop=_flag(told.get("loop", usual.loop)),
        start=None if start is None else _moment(start),
    )
    if settings.speed < 0:
        raise ValueError("speed must not be negative")
    return settings


def _names(told: Any) -> tuple[str, ...]:
    """Parse one file name, or a list of them."""
    if told is None:
        return ()
    return (told,) if isinstance(told, str) else tuple(str(name) for name in told)


def _moment(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


PAPER_KEYS: Mapping[str, ValueReader] = {
    "source": _put("source", _word(*SOURCES)),
    "sources": _put("sources", _sources),
    "replay": _put("replay", _replay),
    "seed": _put("seed", _integer(-(2**63), 2**63 - 1)),
    "balances": _put("balances", _balances),
    "commission": _commission,
    "maker": _put("maker", _RATE),
    "taker": _put("taker", _RATE),
    "fee_tiers": _put("fee_tiers", _fee_tiers),
    "fee_currency": _put(
        "base_fee_on_buy", lambda told: _word("base_on_buy", "quote")(told) == "base_on_buy"
    ),
    "allow_spot_short": _put("allow_spot_short", _flag),
    "leverage": _put("leverage", _integer(1, LEVERAGE_MAX)),
    "margin_mode": _put("margin_mode", _word(*MarginMode)),
    "position_mode": _put("hedge", lambda told: _word("one_way", "hedge")(told) == "hedge"),
    "funding_rate": _put("funding_rate", _RATE),
    "spread_bps": _put("spread_bps", _number("0", "10000", is_open=True)),
    "slippage": _put("slippage", _number("0", "1", is_open=True)),
    "impact": _put("impact", _number("0", "1", is_open=True)),
    "fill": _put("fill", _word(*FillModel)),
    "queue_cancels": _put(
        "queue_prorata", lambda told: _word("none", "prorata")(told) == "prorata"
    ),
    "partial_fill": _put("partial_fill", _number("0", "1", is_open=True)),
    "reject_rate": _put("reject_rate", _number("0", "1")),
    "volume_cap_pct": _put("volume_cap_pct", _number("0", "100")),
    "max_price_age": _put("max_price_age", _age),
    "latency_ms": _put("latency", _latency),
}
"""Parsers of the keys into fields of ``PaperSettings``."""
