"""``extra_config_json.oms.report_currency``: the currency in which an account is valued."""

import re

from oms.domain.errors import Invalid
from oms.wire.json import NotJson, loads

_CURRENCY = re.compile(r"[A-Z0-9]{2,20}")


def read_report_currency(extra_config: str) -> str | None:
    """Return the currency; ``None`` if none, or no valid one, is set."""
    try:
        currency = loads(extra_config).get("oms", {}).get("report_currency")
    except (NotJson, AttributeError):
        return None
    return currency if isinstance(currency, str) and _CURRENCY.fullmatch(currency) else None


def check_report_currency(extra_config: str) -> None:
    """Raise ``Invalid`` (``extra_config_refused``) for anything but a currency code."""
    try:
        currency = loads(extra_config).get("oms", {}).get("report_currency")
    except (NotJson, AttributeError):
        currency = ""
    if currency is not None and not (isinstance(currency, str) and _CURRENCY.fullmatch(currency)):
        raise Invalid(
            "extra_config: oms.report_currency: a currency code as USDT is expected",
            code="extra_config_refused",
        )
