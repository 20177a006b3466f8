"""Groups exchange orders that replaced one another into the one order of ours that they belong to.

Their client order ids carry the id of our order and different attempts; at most one of them is
live.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kit.exchanges.loopback_process import Json
from oms.domain.money import decimal_text, divide

_NUMBER = slice(8, 24)
_LIVE = ("new", "partly_filled", "untriggered", "triggered")


@dataclass
class ReplacementChains:
    """``orders``: one per order of ours, under its first exchange id; ``first``: id by any id."""

    orders: list[Json] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    #: Violations: a client order id used twice, several live orders.
    violations: list[str] = field(default_factory=list)


def group_replacements(rows: Iterable[Json]) -> ReplacementChains:
    """Groups the orders of one account, given oldest first."""
    chains, groups = ReplacementChains(), dict[str, list[Json]]()
    for row in rows:
        groups.setdefault(row["client_id"][_NUMBER] or row["order_id"], []).append(row)
    for number, group in groups.items():
        client_ids = {row["client_id"] for row in group}
        live = [row["order_id"] for row in group if row["state"] in _LIVE]
        if len(client_ids) < len(group) or len(live) > 1:
            chains.violations.append(
                f"order {int(number, 16)}: {len(group)} at the exchange, live {live}"
            )
        chains.orders.append(_merged(group))
        chains.first |= {row["order_id"]: group[0]["order_id"] for row in group}
    return chains


def _merged(group: Sequence[Json]) -> Json:
    """The last order of the group, with the executions of all of them."""
    last = group[-1]
    before = sum((Decimal(row["filled"]) for row in group[:-1]), Decimal(0))
    filled = before + Decimal(last["filled"])
    parts = [(Decimal(row["filled"]), Decimal(row["average"])) for row in group if row["average"]]
    value = sum((qty * price for qty, price in parts), Decimal(0))
    return last | {
        "order_id": group[0]["order_id"],
        "client_id": group[0]["client_id"],
        "qty": decimal_text(Decimal(last["qty"]) + before),
        "filled": decimal_text(filled),
        "average": decimal_text(divide(value, filled)) if filled else None,
    }
