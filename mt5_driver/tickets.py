"""Tickets of positions: the ticket of the order that opened a position.

Programs take the ``order`` of a trade result as the ticket of the position that it opened, which is
what MetaTrader guarantees. The gateway numbers positions and orders apart, so a position is shown
under its opening order. A position without one, for example from a correction, has a ticket above
``NO_ORDER``, which no order reaches.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mt5_driver.constants import DEAL_ENTRY_IN, DEAL_ENTRY_INOUT
from mt5_driver.gateway_client import GatewayClient

#: The ids of the gateway are below.
NO_ORDER = 1 << 53
#: Tickets of closes by an opposite position, which the gateway books without an order.
CLOSE_BY_ORDER = 1 << 54
_IDS_MAX = 500
_OPENING = (DEAL_ENTRY_IN, DEAL_ENTRY_INOUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionTicket:
    """The ticket of a position, and its identifier: the first ticket of a chain of flips."""

    ticket: int
    identifier: int


class PositionTickets:
    """Tickets of the positions of an account, remembered once they are known."""

    def __init__(self, client: GatewayClient, account_id: int) -> None:
        self._client = client
        self._account_id = account_id
        self._openers: dict[int, int] = {}
        self._identifiers: dict[int, int] = {}

    def of_positions(self, rows: Iterable[Mapping[str, Any]]) -> dict[int, PositionTicket]:
        """Returns the tickets of rows of positions, by the gateway's ids."""
        for row in rows:
            self._identifiers[row["ticket"]] = row["identifier"]
        return {row["ticket"]: self._ticket(row["ticket"]) for row in rows}

    def of_ids(
        self, position_ids: Iterable[int], deals: Iterable[Mapping[str, Any]] = ()
    ) -> dict[int, PositionTicket]:
        """Returns the tickets of the gateway's ids; ``deals`` are rows that may name the openers.

        An unknown id is its own ticket, above ``NO_ORDER``.
        """
        wanted = sorted({each for each in position_ids if each})
        new = [each for each in wanted if each not in self._identifiers]
        opening = {
            (deal["position_id"], deal["time_msc"]): deal["order"]
            for deal in deals
            if deal["entry"] in _OPENING and deal["order"]
        }
        for start in range(0, len(new), _IDS_MAX):
            ids = ",".join(map(str, new[start : start + _IDS_MAX]))
            rows = self._client.get(f"/oms/positions/{ids}", {"view": "mt5"})["items"]
            for row in rows:
                self._identifiers[row["ticket"]] = row["identifier"]
                opener = opening.get((row["ticket"], row["time_msc"]))
                if opener is not None:
                    self._openers.setdefault(row["ticket"], opener)
        return {each: self._ticket(each) for each in wanted}

    def position_id_of(self, ticket: int, open_ids: Iterable[int] | None = None) -> int | None:
        """Returns the gateway's id of a ticket; of several the one among ``open_ids``."""
        if ticket > NO_ORDER:
            return ticket - NO_ORDER
        ids = [each for each, opener in self._openers.items() if opener == ticket]
        if not ids:
            deals = self._deals(order_id=ticket)
            ids = [deal["position_id"] for deal in deals if deal["entry"] in _OPENING]
            ids = [each for each in dict.fromkeys(ids) if each and self._opener(each) == ticket]
        chosen = [each for each in ids if open_ids is None or each in set(open_ids)]
        return chosen[-1] if chosen else None

    def _ticket(self, position_id: int) -> PositionTicket:
        first = self._identifiers.get(position_id, position_id)
        return PositionTicket(ticket=self._opener(position_id), identifier=self._opener(first))

    def _opener(self, position_id: int) -> int:
        if position_id not in self._openers:
            deals = self._deals(position_id=position_id)
            orders = [deal["order"] for deal in deals if deal["entry"] in _OPENING]
            opener = next((each for each in orders if each), NO_ORDER + position_id)
            self._openers[position_id] = opener
        return self._openers[position_id]

    def _deals(self, **filters: int) -> list[Any]:
        query = {"account_ids": self._account_id, "cursor": "", "view": "mt5", **filters}
        rows: list[Any] = self._client.get("/oms/deals", query)["items"]
        return sorted(rows, key=lambda row: (row["time_msc"], row["ticket"]))
