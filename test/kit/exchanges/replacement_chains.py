"""Orders of the exchange that took each other's place, as the one order of ours that they are.

They bear the number of one order of ours, each with another attempt; at most one of them is live.
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
    """``orders`` one a number, under its first id; ``first`` is that id by any of its ids."""

    orders: list[Json] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    #: What must not be: one name twice, two live at once.
    wrong: list[str] = field(default_factory=list)


def group_replacements(rows: Iterable[Json]) -> ReplacementChains:
    """The orders of one account, oldest first."""
    chains, groups = ReplacementChains(), dict[str, list[Json]]()
    for row in rows:
        groups.setdefault(row["client_id"][_NUMBER] or row["order_id"], []).append(row)
    for number, group in groups.items():
        names = {row["client_id"] for row in group}
        live = [row["order_id"] for row in group if row["state"] in _LIVE]
        if len(names) < len(group) or len(live) > 1:
            chains.wrong.append(f"order {int(number, 16)}: {len(group)} there, live {live}")
        chains.orders.append(_one(group))
        chains.first |= {row["order_id"]: group[0]["order_id"] for row in group}
    return chains


def _one(group: Sequence[Json]) -> Json:
    """What the last one is, with all that those before it executed."""
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
