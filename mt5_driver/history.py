"""Orders, deals and positions of the account as the package's tuples."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from mt5_driver import constants as c
from mt5_driver.market_data import read_tickers
from mt5_driver.numbers import read_decimal, surface
from mt5_driver.session import Session
from mt5_driver.structures import TradeDeal, TradeOrder, TradePosition
from mt5_driver.tickets import CLOSE_BY_ORDER

_OPEN_ROWS_MAX = 5000
_PAGE_ROWS = 500
_FINAL = frozenset(
    {c.ORDER_STATE_CANCELED, c.ORDER_STATE_FILLED, c.ORDER_STATE_REJECTED, c.ORDER_STATE_EXPIRED}
)
_CLOSE_BY_PREFIX = "close_by:"
Row = Mapping[str, Any]


def read_positions(session: Session) -> tuple[TradePosition, ...]:
    """Returns the open positions, the oldest first."""
    rows = read_position_rows(session)
    tickets = session.tickets.of_positions(rows)
    found = []
    for row in rows:
        ticket = tickets[row["ticket"]]
        fields = {
            **_common(session, row, TradePosition._fields),
            "ticket": ticket.ticket,
            "identifier": ticket.identifier,
            "volume": session.catalog.lots(row["symbol"], row["volume"]),
        }
        fields |= {
            name: surface(row[name])
            for name in ("price_open", "sl", "tp", "price_current", "swap", "profit")
        }
        found.append(TradePosition(**fields))
    return tuple(sorted(found, key=lambda position: (position.time_msc, position.ticket)))


def read_position_rows(session: Session) -> list[Row]:
    """Returns the gateway's rows of open positions, each with a price and a profit.

    The gateway marks positions at exchanges every few seconds, so a new one has no mark yet; a
    program would take a price of 0 for one. It gets the price at which it could be closed.
    """
    rows = _open_rows(session, "/oms/positions/open")
    unmarked = {row["symbol"] for row in rows if row["price_current"] is None}
    instruments = {each: session.catalog.find(each) for each in unmarked}
    known = {symbol: each for symbol, each in instruments.items() if each is not None}
    tickers = read_tickers(session, known.values())
    priced: list[Row] = []
    for row in rows:
        ticker = tickers.get(row["symbol"]) or {}
        is_long = row["type"] == c.POSITION_TYPE_BUY
        price = read_decimal(ticker.get("bid" if is_long else "ask") or ticker.get("last"))
        if row["price_current"] is None and price:
            sizes = (Decimal(row["volume"]), Decimal(row["price_open"]))
            profit = known[row["symbol"]].profit(*sizes, price, is_long=is_long)
            priced.append({**row, "price_current": price, "profit": profit})
        else:
            priced.append(row)
    return priced


def count_positions(session: Session) -> int:
    """Returns the number of open positions."""
    return len(_open_rows(session, "/oms/positions/open"))


def count_open_orders(session: Session) -> int:
    """Returns the number of open orders."""
    return len(_open_rows(session, "/oms/orders/open"))


def read_open_orders(session: Session) -> tuple[TradeOrder, ...]:
    """Returns the open orders, the oldest first."""
    rows = _open_rows(session, "/oms/orders/open")
    return _orders(session, rows, prices=_current_prices(session, rows))


def read_history_orders(session: Session, since: float, until: float) -> tuple[TradeOrder, ...]:
    """Returns the orders that ended in a span of seconds, bounds included."""
    query = {"since": int(since * 1000)}
    rows = [row for row in _pages(session, "/oms/orders/history", query) if row["state"] in _FINAL]
    rows = [row for row in rows if since <= (row["time_done_msc"] or 0) / 1000 < until + 1]
    closes = [deal for deal in _deal_rows(session, since, until) if _close_by_id(deal)]
    return _by_time(_orders(session, rows) + _close_by_orders(session, closes))


def read_orders_of_ticket(session: Session, ticket: int) -> tuple[TradeOrder, ...]:
    """Returns the ended order of a ticket; none if it is unknown."""
    return _orders_of(session, [ticket])


def _orders_of(session: Session, tickets: Iterable[int]) -> tuple[TradeOrder, ...]:
    wanted = sorted({each for each in tickets if 0 < each < CLOSE_BY_ORDER})
    rows: list[Row] = []
    for start in range(0, len(wanted), _PAGE_ROWS):
        ids = ",".join(map(str, wanted[start : start + _PAGE_ROWS]))
        rows += session.client.get(f"/oms/orders/{ids}", {"view": "mt5"})["items"]
    return _by_time(_orders(session, [row for row in rows if row["state"] in _FINAL]))


def read_history_deals(session: Session, since: float, until: float) -> tuple[TradeDeal, ...]:
    """Returns the deals of a span of seconds, bounds included."""
    return _deals(session, _deal_rows(session, since, until))


def read_deals_of_order(session: Session, order: int) -> tuple[TradeDeal, ...]:
    """Returns the deals of an order."""
    return _deals(session, list(_pages(session, "/oms/deals", {"order_id": order, "cursor": ""})))


def read_deals_of_position(session: Session, identifier: int) -> tuple[TradeDeal, ...]:
    """Returns all deals of a position, also of the positions that it flipped into."""
    position_id = session.tickets.position_id_of(identifier)
    rows: dict[int, Row] = {}
    known: set[int] = set()
    while position_id is not None and position_id not in known:
        known.add(position_id)
        query = {"position_id": position_id, "cursor": ""}
        found = list(_pages(session, "/oms/deals", query))
        following = None
        for order in {row["order"] for row in found if row["entry"] == c.DEAL_ENTRY_OUT}:
            legs = list(_pages(session, "/oms/deals", {"order_id": order, "cursor": ""}))
            flips = [row for row in legs if row["entry"] == c.DEAL_ENTRY_INOUT]
            # One deal INOUT stands for both legs of a flip.
            rows |= {row["ticket"]: row for row in flips}
            following = flips[-1]["position_id"] if flips else following
        flipped = {row["external_id"] for row in rows.values() if row["entry"] == 2}
        rows |= {
            row["ticket"]: row
            for row in found
            if row["ticket"] not in rows and row["external_id"] not in flipped
        }
        position_id = following
    return _deals(session, list(rows.values()))


def read_orders_of_position(session: Session, identifier: int) -> tuple[TradeOrder, ...]:
    """Returns all ended orders of a position, with closes by an opposite one."""
    deals = read_deals_of_position(session, identifier)
    plain = _orders_of(session, [deal.order for deal in deals if deal.order])
    commands = {deal.order for deal in deals if deal.order >= CLOSE_BY_ORDER}
    closes: tuple[TradeOrder, ...] = ()
    if commands:
        times = [deal.time for deal in deals if deal.order in commands]
        rows = _deal_rows(session, min(times) - 1, max(times) + 1)
        wanted = [row for row in rows if CLOSE_BY_ORDER + _close_by_id(row) in commands]
        closes = _close_by_orders(session, wanted)
    return _by_time(plain + closes)


def _by_time(orders: tuple[TradeOrder, ...]) -> tuple[TradeOrder, ...]:
    return tuple(sorted(orders, key=lambda order: (order.time_setup_msc, order.ticket)))


def _open_rows(session: Session, path: str) -> list[Row]:
    query = {"account_ids": session.account_id, "view": "mt5", "limit": _OPEN_ROWS_MAX}
    rows: list[Row] = session.client.get(path, query)["items"]
    return rows


def _pages(session: Session, path: str, query: Mapping[str, Any]) -> Iterable[Row]:
    """Yields all rows of a list by cursor."""
    sent = {"account_ids": session.account_id, "view": "mt5", "page_size": _PAGE_ROWS}
    sent = {"cursor": "", **sent, **query}
    while True:
        page = session.client.get(path, sent)
        yield from page["items"]
        if not page["next_cursor"]:
            return
        sent["cursor"] = page["next_cursor"]


def _deal_rows(session: Session, since: float, until: float) -> list[Row]:
    query = {"since": int(since * 1000), "until": int((until + 1) * 1000)}
    return list(_pages(session, "/oms/deals", query))


def _common(session: Session, row: Row, fields: Iterable[str]) -> dict[str, Any]:
    """Returns the fields that are taken over: null is 0, or empty text."""
    texts = ("comment", "external_id", "symbol")
    taken = {name: row[name] or ("" if name in texts else 0) for name in fields if name in row}
    taken["symbol"] = session.catalog.name_of(row["symbol"])
    taken["magic"] = session.magics.magic_of(row["magic"])
    return taken


def _current_prices(session: Session, rows: Iterable[Row]) -> Callable[[Row], float]:
    known = [session.catalog.find(symbol) for symbol in sorted({row["symbol"] for row in rows})]
    tickers = read_tickers(session, [each for each in known if each is not None])
    return lambda row: surface((tickers.get(row["symbol"]) or {}).get("last"))


def _orders(
    session: Session, rows: Iterable[Row], prices: Callable[[Row], float] = lambda _row: 0.0
) -> tuple[TradeOrder, ...]:
    rows = list(rows)
    tickets = session.tickets.of_ids(row["position_id"] for row in rows)
    orders = []
    for row in rows:
        position = tickets.get(row["position_id"])
        fields = {
            **_common(session, row, TradeOrder._fields),
            "position_id": 0 if position is None else position.identifier,
            "volume_initial": session.catalog.lots(row["symbol"], row["volume_initial"]),
            "volume_current": session.catalog.lots(row["symbol"], row["volume_current"]),
            "price_current": surface(row["price_current"]) or prices(row),
        }
        fields |= {name: surface(row[name]) for name in ("price_open", "sl", "tp")}
        fields["price_stoplimit"] = surface(row["price_stoplimit"])
        orders.append(TradeOrder(**fields))
    return tuple(orders)


def _deals(session: Session, rows: list[Row]) -> tuple[TradeDeal, ...]:
    tickets = session.tickets.of_ids((row["position_id"] for row in rows), rows)
    deals = []
    for row in rows:
        position = tickets.get(row["position_id"])
        command = _close_by_id(row)
        fields = {
            **_common(session, row, TradeDeal._fields),
            "position_id": 0 if position is None else position.identifier,
            "volume": session.catalog.lots(row["symbol"], row["volume"]),
        }
        fields |= {
            name: surface(row[name]) for name in ("price", "commission", "swap", "profit", "fee")
        }
        if command and not row["order"]:
            fields["order"] = CLOSE_BY_ORDER + command
        deals.append(TradeDeal(**fields))
    return tuple(sorted(deals, key=lambda deal: (deal.time_msc, deal.ticket)))


def _close_by_id(row: Row) -> int:
    """Returns the command of a deal that closed a position by another one; else 0."""
    text = str(row["external_id"] or "")
    number = text.removeprefix(_CLOSE_BY_PREFIX)
    return int(number) if text.startswith(_CLOSE_BY_PREFIX) and number.isdigit() else 0


def _close_by_orders(session: Session, rows: Iterable[Row]) -> tuple[TradeOrder, ...]:
    """Returns an order per close of a position by an opposite one, which have none of their own."""
    pairs: dict[int, list[Row]] = {}
    for row in rows:
        pairs.setdefault(_close_by_id(row), []).append(row)
    every = [row for pair in pairs.values() for row in pair]
    tickets = session.tickets.of_ids((row["position_id"] for row in every), every)
    orders = []
    for command, pair in pairs.items():
        legs = sorted(pair, key=lambda row: int(row["ticket"]))
        first = legs[0]
        identifiers = [tickets[row["position_id"]].identifier for row in legs]
        volume = session.catalog.lots(first["symbol"], first["volume"])
        times = {"time_setup": first["time"], "time_setup_msc": first["time_msc"]}
        times |= {"time_done": first["time"], "time_done_msc": first["time_msc"]}
        orders.append(
            TradeOrder(
                **dict.fromkeys(TradeOrder._fields, 0)
                | _common(session, first, TradeOrder._fields)
                | times
                | {"ticket": CLOSE_BY_ORDER + command, "type": c.ORDER_TYPE_CLOSE_BY}
                | {"state": c.ORDER_STATE_FILLED, "position_id": identifiers[0]}
                | {"position_by_id": identifiers[1] if len(identifiers) > 1 else 0}
                | {"volume_initial": volume, "volume_current": 0.0}
                | {"price_open": float(Decimal(first["price"])), "sl": 0.0, "tp": 0.0}
                | {"price_current": float(Decimal(first["price"])), "price_stoplimit": 0.0}
                | {"external_id": "", "comment": first["comment"] or ""}
            )
        )
    return tuple(orders)
