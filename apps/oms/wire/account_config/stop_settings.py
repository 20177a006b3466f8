"""Settings of stop levels in ``extra_config_json.oms``."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from oms.domain.errors import Invalid
from oms.domain.protection.stop_settings import PriceMode, ProtectionMode, StopSettings
from oms.wire.json import NotJson, loads

_MODES = {mode.value: mode for mode in PriceMode}
_PROTECTION_MODES = {mode.value: mode for mode in ProtectionMode}
MIN_AGE_SECONDS_MAX = 86_400


def read_stop_settings(extra_config: str) -> StopSettings:
    """Return the settings; an unknown value counts as the default."""
    settings = _settings(extra_config)
    seconds: Any = settings.get("stop_min_age_seconds")
    return StopSettings(
        price_mode=_MODES.get(str(settings.get("stop_price_mode")), PriceMode.BID_ASK),
        protection=_PROTECTION_MODES.get(str(settings.get("protection_mode")), ProtectionMode.AUTO),
        min_age=timedelta(seconds=float(seconds)) if _is_age(seconds) else timedelta(0),
    )


def check_stop_settings(extra_config: str) -> None:
    """Raise ``Invalid`` (``extra_config_refused``) for a value that cannot be used."""
    settings = _settings(extra_config)
    mode, seconds = settings.get("stop_price_mode"), settings.get("stop_min_age_seconds")
    if mode is not None and mode not in tuple(_MODES):
        raise _refused(f"stop_price_mode: one of {', '.join(_MODES)} is expected")
    protection = settings.get("protection_mode")
    if protection is not None and protection not in tuple(_PROTECTION_MODES):
        raise _refused(f"protection_mode: one of {', '.join(_PROTECTION_MODES)} is expected")
    if seconds is not None and not _is_age(seconds):
        raise _refused(
            f"stop_min_age_seconds: a number from 0 to {MIN_AGE_SECONDS_MAX} is expected"
        )


def _settings(extra_config: str) -> Mapping[str, Any]:
    try:
        settings = loads(extra_config).get("oms", {})
    except (NotJson, AttributeError):
        return {}
    return settings if isinstance(settings, Mapping) else {}


def _is_age(seconds: object) -> bool:
    try:
        return not isinstance(seconds, (bool, str)) and 0 <= seconds <= MIN_AGE_SECONDS_MAX  # type: ignore[operator]
    except TypeError:
        return False


def _refused(message: str) -> Invalid:
    return Invalid(f"extra_config: oms.{message}", code="extra_config_refused")
