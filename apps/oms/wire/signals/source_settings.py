"""Settings of signal sources as JSON: in bodies, rows and the database."""

from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_network
from typing import Any

from typing_extensions import TypedDict

from oms.domain.signals.signal import LevelReference, SignalKind, Sizing, SizingKind
from oms.domain.signals.source import SourceSettings, default_settings
from oms.domain.value import evolve
from oms.wire.json import optional_decimal_text
from oms.wire.responses.value_types import DecimalText

ENTRY_NEW, ENTRY_JOIN = "new", "join"
_DECIMALS = ("tp_pct", "sl_pct", "stop_trailing_pct", "max_signal_slippage_pct")
_PLAIN = (
    *("max_hold_seconds", "pyramiding_max", "reverse", "max_age_seconds", "queue_expiry_seconds"),
    *("rate_per_minute", "require_signature"),
)


class SizingRow(TypedDict):
    """How the quantity of an opening order is found."""

    kind: str
    value: DecimalText


class SettingsRow(TypedDict):
    """The settings of a source."""

    sizing: SizingRow
    tp_pct: DecimalText
    sl_pct: DecimalText
    tp_sl_base: str
    stop_trailing_pct: DecimalText | None
    max_hold_seconds: int | None
    entry: str
    pyramiding_max: int
    reverse: bool
    max_age_seconds: int
    queue_expiry_seconds: int
    max_signal_slippage_pct: DecimalText
    symbol_map: dict[str, str]
    rate_per_minute: int
    require_signature: bool
    ip_allowlist: list[str]


def settings_row(settings: SourceSettings) -> SettingsRow:
    """Return all settings."""
    sizing = settings.sizing
    return {
        "sizing": {
            "kind": sizing.kind.value,
            "value": optional_decimal_text(sizing.value) or "0",
        },
        "tp_pct": optional_decimal_text(settings.tp_pct) or "0",
        "sl_pct": optional_decimal_text(settings.sl_pct) or "0",
        "tp_sl_base": settings.tp_sl_base.value,
        "stop_trailing_pct": optional_decimal_text(settings.stop_trailing_pct),
        "max_hold_seconds": settings.max_hold_seconds,
        "entry": ENTRY_NEW if settings.is_new_entry else ENTRY_JOIN,
        "pyramiding_max": settings.pyramiding_max,
        "reverse": settings.reverse,
        "max_age_seconds": settings.max_age_seconds,
        "queue_expiry_seconds": settings.queue_expiry_seconds,
        "max_signal_slippage_pct": optional_decimal_text(settings.max_signal_slippage_pct) or "0",
        "symbol_map": dict(settings.symbol_map),
        "rate_per_minute": settings.rate_per_minute,
        "require_signature": settings.require_signature,
        "ip_allowlist": [str(network) for network in settings.networks],
    }


def load_settings(kind: SignalKind, stored: Mapping[str, Any]) -> SourceSettings:
    """Return the settings of a stored row; absent ones are the defaults of ``kind``."""
    return apply_settings(default_settings(kind), stored)


def apply_settings(settings: SourceSettings, sent: Mapping[str, Any]) -> SourceSettings:
    """Return ``settings`` with the values of ``sent``, whose names are those of ``SettingsRow``."""
    changes: dict[str, Any] = {name: sent[name] for name in _PLAIN if name in sent}
    changes |= {name: _decimal(sent[name]) for name in _DECIMALS if name in sent}
    if "sizing" in sent:
        sizing = sent["sizing"]
        changes["sizing"] = Sizing(
            kind=SizingKind(sizing["kind"]), value=Decimal(str(sizing["value"]))
        )
    if "tp_sl_base" in sent:
        changes["tp_sl_base"] = LevelReference(sent["tp_sl_base"])
    if "entry" in sent:
        changes["is_new_entry"] = sent["entry"] == ENTRY_NEW
    if "symbol_map" in sent:
        changes["symbol_map"] = dict(sent["symbol_map"])
    if "ip_allowlist" in sent:
        changes["networks"] = tuple(
            ip_network(str(network), strict=False) for network in sent["ip_allowlist"]
        )
    return evolve(settings, **changes)


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))
