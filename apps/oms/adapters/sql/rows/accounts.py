"""Rows of ``accounts``, with what their owner set in ``extra_config_json``."""

from typing import Any

from oms.domain.account import Account, Environment, PositionMode
from oms.wire.ccxt_allow import ccxt_allow
from oms.wire.paper_settings import paper_settings

#: Columns of an account where the table is named ``a`` and ``account_risk_state`` ``r``.
SELECTED = (
    "a.id, a.exchange_id, a.label, a.position_mode, a.environment, a.status,"
    " a.extra_config_json, COALESCE(r.allow_new_positions, 1), a.live_enabled"
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
        ccxt_allow=ccxt_allow(row[6] or "{}"),
        live_enabled=bool(row[8]),
        extra_config=row[6] or "{}",
    )
