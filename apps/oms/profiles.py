"""Profiles of an installation: they set defaults of other settings, and refuse some of them."""

from collections.abc import Mapping
from typing import Any, Literal

ProfileName = Literal["dev", "paper-server", "live"]
"""Development, paper trading beside a real sender of signals, trading with money."""

_SERVER_DEFAULTS: Mapping[str, Any] = {
    "log_format": "json",
    "risk_presets": {"paper": "standard"},
}
#: Defaults of a profile that differ from those of the settings.
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "dev": {},
    "paper-server": _SERVER_DEFAULTS,
    "live": _SERVER_DEFAULTS,
}


def apply_profile(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with what is not given set to the defaults of their profile."""
    profile = values.get("profile")
    defaults = _DEFAULTS.get(profile, {}) if isinstance(profile, str) else {}
    groups = {
        name: {**default, **values[name]}
        for name, default in defaults.items()
        if isinstance(default, Mapping) and isinstance(values.get(name), Mapping)
    }
    return {**defaults, **values, **groups}


def refuse_settings(
    profile: ProfileName | None, *, live_trading_allowed: bool, database_url: str | None
) -> None:
    """Raise ``ValueError`` for settings that the profile does not allow."""
    if profile in ("dev", "paper-server") and live_trading_allowed:
        raise ValueError(f"live_trading_allowed is refused by the profile {profile}")
    if profile == "live" and database_url is None:
        raise ValueError("database_url is needed by the profile live")
