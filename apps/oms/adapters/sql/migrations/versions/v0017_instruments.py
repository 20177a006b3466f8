"""The instruments that accounts at real exchanges trade, and further tickets of entries.

Those of the stored orders are derived from their symbols, which name the kind and the currencies;
the worker replaces them by the exchange's terms with the next order.
"""

import json

from alembic import op
from sqlalchemy import Column, Text, text

from oms.adapters.sql.connection.column_types import (
    TABLE_OPTIONS,
    BigIntId,
    JsonText,
    ShortText,
)

revision = "0017"
down_revision = "0016"

_SMALLEST = "0.000000000000000001"


def upgrade() -> None:
    """Create the table with the instruments of all symbols that were ordered or held."""
    op.add_column("oms_deals", Column("opened_ticket_ids", Text, nullable=True))
    op.create_table(
        "account_instruments",
        Column("account_id", BigIntId, primary_key=True, autoincrement=False),
        Column("symbol", ShortText(64), primary_key=True),
        Column("terms_json", JsonText, nullable=False),
        **TABLE_OPTIONS,
    )
    connection = op.get_bind()
    for table in ("oms_orders", "oms_positions"):
        rows = connection.execute(
            text(
                f"SELECT DISTINCT o.account_id, o.symbol FROM {table} o"
                " JOIN accounts a ON a.id = o.account_id WHERE a.exchange_id NOT LIKE 'paper.%'"
                " AND NOT EXISTS (SELECT 1 FROM account_instruments i"
                " WHERE i.account_id = o.account_id AND i.symbol = o.symbol)"
            )
        ).all()
        for account_id, symbol in rows:
            if (terms := _terms_of(symbol)) is not None:
                connection.execute(
                    text(
                        "INSERT INTO account_instruments (account_id, symbol, terms_json)"
                        " VALUES (:account_id, :symbol, :terms)"
                    ),
                    {"account_id": account_id, "symbol": symbol, "terms": json.dumps(terms)},
                )


def _terms_of(symbol: str) -> dict[str, str] | None:
    """The terms that a unified symbol names: ``BASE/QUOTE``, or ``BASE/QUOTE:SETTLE[-DATE]``."""
    pair, _, contract = symbol.partition(":")
    base, _, quote = pair.partition("/")
    if not base or not quote:
        return None
    settle = contract.partition("-")[0] or quote
    kind = "spot"
    if contract:
        kind = "inverse" if settle == base else "linear"
    terms = {"symbol": symbol, "kind": kind, "base": base, "quote": quote, "settle": settle}
    return terms | {"tick": _SMALLEST, "step": _SMALLEST, "min_notional": "0"}
