"""``extra_config_json.oms.ccxt_allow``: additional ccxt methods that an account may call."""

from oms.domain.ccxt_methods import filter_allowable, is_allowable
from oms.domain.errors import Invalid
from oms.wire.json import NotJson, loads


def read_ccxt_allow(extra_config: str) -> frozenset[str]:
    """Return the valid names; names that may not be allowed are ignored."""
    try:
        names = loads(extra_config).get("oms", {}).get("ccxt_allow", [])
    except (NotJson, AttributeError):
        return frozenset()
    return filter_allowable(name for name in names if isinstance(name, str))


def check_ccxt_allow(extra_config: str) -> None:
    """Raise ``Invalid`` (``extra_config_refused``) for names that may never be allowed."""
    try:
        names = loads(extra_config).get("oms", {}).get("ccxt_allow", [])
    except (NotJson, AttributeError):
        names = None
    if not isinstance(names, list):
        raise _refused("a list of names is expected")
    for name in names:
        if not isinstance(name, str) or not is_allowable(name):
            raise _refused(f"{str(name)[:64]!r} cannot be allowed")


def _refused(message: str) -> Invalid:
    return Invalid(f"extra_config: oms.ccxt_allow: {message}", code="extra_config_refused")
