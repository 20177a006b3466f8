"""``extra_config_json.oms.reconcile.unknown_history``: the price of what has no known history.

``average`` (the default): a correction that opens a position reproduces the average that the
exchange reports; ``mark``: every correction is booked at the mid price, the middle of the best
bid and ask; no mark price of the exchange is used.
"""

from collections.abc import Mapping

from oms.domain.errors import Invalid
from oms.wire.json import NotJson, loads

_VALUES = ("average", "mark")
_NAME = "unknown_history"


def opens_at_average(extra_config: str) -> bool:
    """Return whether corrections reproduce averages; an unknown value counts as the default."""
    try:
        settings = loads(extra_config).get("oms", {}).get("reconcile", {})
        return bool(settings.get(_NAME) != "mark")
    except (NotJson, AttributeError):
        return True


def check_unknown_history(extra_config: str) -> None:
    """Raise ``Invalid`` (``extra_config_refused``) for unknown keys or values."""
    try:
        settings = loads(extra_config).get("oms", {}).get("reconcile", {})
    except (NotJson, AttributeError):
        settings = None
    if not isinstance(settings, Mapping):
        raise _refused(f"an object with {_NAME} is expected")
    for name, setting in settings.items():
        if name != _NAME:
            raise _refused(f"{name[:64]!r} is not a setting; there is {_NAME}")
        if setting not in _VALUES:
            raise _refused(f"{_NAME}: one of {', '.join(_VALUES)} is expected")


def _refused(message: str) -> Invalid:
    return Invalid(f"extra_config: oms.reconcile: {message}", code="extra_config_refused")
