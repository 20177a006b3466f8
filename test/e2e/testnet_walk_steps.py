"""The steps of a walk through a testnet: three accounts on one set of credentials.

Each function is a chapter of docs/how-to/testnet.md; each leaves the books such that the next one
can begin.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from testnet_walk_desk import Desk, Json, Target, Walk, plain, signed

MODES = ("hedge", "netting", "strategy_netting")
RIGHTS = (
    "can_read",
    "can_trade",
    "can_close_position",
    "can_risk_manage",
    "can_block_new_positions",
    "can_block_account",
)


@dataclass(frozen=True)
class Made:
    """What the bootstrap made: accounts by their mode, and two strategies."""

    hedge: int
    netting: int
    strategy_netting: int
    first: int
    second: int

    @property
    def accounts(self) -> list[int]:
        """All three."""
        return [self.hedge, self.netting, self.strategy_netting]

    @property
    def by_mode(self) -> dict[str, int]:
        """All three by their modes."""
        return dict(zip(MODES, self.accounts, strict=True))


def bootstrap(desk: Desk, walk: Walk) -> Made:
    """A user, a key, three accounts on the same credentials, rights, strategies, the doctor."""
    walk.chapter("1. Bootstrap")
    name = f"walker-{desk.began_ms}"
    wish = {"user_name": name, "role": "trader", "label": "testnet walk"}
    person = desk.ask("POST", "/admin/users-with-api-key", wish, admin=True)
    desk.api_key = person["api_key_plain"]
    profile = desk.ask("GET", "/user/profile")
    walk.see("a user with an API key", name, lambda: profile["user_name"])
    ids = [_account(desk, mode) for mode in MODES]
    sealed = [row["api_key_enc"] for row in _rows(desk) if row["account_id"] in ids]
    walk.see("three accounts, credentials sealed", ["enc:***"] * 3, lambda: sealed)
    for account_id in ids:
        rights = dict.fromkeys(RIGHTS, True) | {"account_id": account_id}
        path = f"/admin/api-keys/{person['api_key_id']}/permissions"
        desk.ask("PUT", path, rights, admin=True)
    walk.see("the key may trade on them", ids, lambda: _tradable(desk))
    strategies = [
        int(desk.ask("POST", "/strategies", {"name": name, "account_ids": ids})["strategy_id"])
        for name in ("walk one", "walk two")
    ]
    with ThreadPoolExecutor(len(ids)) as pool:
        told = list(pool.map(lambda each: _doctor(desk, each), ids))
    for mode, found in zip(MODES, told, strict=True):
        walk.see(f"oms doctor of {mode}", "all well", partial(str, found))
    made = Made(*ids, *strategies)
    walk.see("held there, resting there", "0, 0", partial(_before, desk, made))
    return made


def hedge(desk: Desk, walk: Walk, made: Made) -> None:
    """Opposite tickets of two strategies over one net position of the exchange."""
    walk.chapter("2. Hedge: tickets of two strategies")
    account, unit = made.hedge, desk.target.unit
    tickets, there = partial(_tickets, desk, account), partial(_there, desk, account)
    desk.order(account, "buy", 2 * unit, strategy_id=made.first)
    desk.order(account, "sell", unit, strategy_id=made.second)
    desk.order(account, "buy", unit, strategy_id=made.first, new_position=True)
    expected = _lines((made.first, 2 * unit), (made.second, -unit), (made.first, unit))
    walk.see("two strategies open three tickets", expected, tickets)
    walk.see("the exchange holds their sum", plain(2 * unit), there)
    long, short, other = _own(desk, account)
    desk.close(other)
    expected = _lines((made.first, 2 * unit), (made.second, -unit))
    walk.see("one is closed by its position_id", expected, tickets)
    both = {"position_id_a": long["id"], "position_id_b": short["id"]}
    desk.send(account, "close_by", **both)
    walk.see("close_by of the opposite two", _lines((made.first, unit)), tickets)
    walk.see("the exchange holds the rest", plain(unit), there)
    desk.close(desk.row("positions", long["id"]))
    walk.see("the rest is closed", "nothing", tickets)
    walk.see("the exchange is flat", "0", there)


def netting(desk: Desk, walk: Walk, made: Made) -> None:
    """Open, reduce, flip: one position of the symbol and one identifier."""
    walk.chapter("3. Netting: one position")
    account, unit = made.netting, desk.target.unit
    ours, there = partial(_ours, desk, account), partial(_there, desk, account)
    desk.reconcile([account])
    walk.see("the trades of the hedge account are imported", "0", ours)
    desk.order(account, "buy", 2 * unit)
    walk.see("open", plain(2 * unit), ours)
    (opened,) = desk.open_positions(account)
    desk.order(account, "sell", unit)
    walk.see("reduce", [(opened["id"], plain(unit))], partial(_by_id, desk, account))
    desk.order(account, "sell", 3 * unit)
    walk.see("reverse", plain(-2 * unit), ours)
    (flipped,) = desk.open_positions(account)
    kept = (flipped["identifier"], flipped["previous_position_id"], flipped["id"] != opened["id"])
    whose = (opened["identifier"], opened["id"], True)
    walk.see("identifier and forerunner stay, the id is new", whose, lambda: kept)
    walk.see("the exchange holds the same", plain(-2 * unit), there)
    desk.close(flipped)
    walk.see("closed", "0", ours)
    walk.see("the exchange is flat", "0", there)


def staircase(desk: Desk, walk: Walk, made: Made) -> None:
    """Small entries of a strategy at rising limits, against the position of another one."""
    walk.chapter("4. Strategy netting: a staircase")
    account, unit, first = made.strategy_netting, desk.target.unit, made.first
    tickets = partial(_tickets, desk, account)
    desk.reconcile([account])
    walk.see("what the others traded is imported", "0", partial(_ours, desk, account))
    price = desk.price(account)
    entries = []
    for stair in range(1, 5):
        limit = plain(price * (1 + Decimal(stair) / 1000))
        wish = {"order_type": "limit", "price": limit, "strategy_id": first}
        entries.append(desk.order(account, "buy", unit, **wish))
        done = f"entry {stair}, limit {entries[-1]['price']}"
        walk.see(done, _lines((first, stair * unit)), tickets)
    limits = [Decimal(row["price"]) for row in entries]
    walk.see("each limit is above the one before", sorted(set(limits)), lambda: limits)
    (climbed,) = _own(desk, account)
    mean = sum(Decimal(row["avg_fill_price"]) for row in entries) / len(entries)
    off = abs(Decimal(climbed["avg_price"]) / mean - 1)
    walk.see("its price is the mean of the entries", True, lambda: off < Decimal("1e-6"))
    desk.order(account, "sell", unit, strategy_id=made.second)
    expected = _lines((first, 4 * unit), (made.second, -unit))
    walk.see("another strategy holds the opposite", expected, tickets)
    for left in (3, 2):
        desk.close(climbed, qty=plain(unit))
        expected = _lines((first, left * unit), (made.second, -unit))
        walk.see("a partial exit", expected, tickets)
    walk.see("the exchange holds the sum", plain(unit), partial(_there, desk, account))


def mirrors(desk: Desk, walk: Walk, made: Made) -> None:
    """Three books of one exchange account: each trade once in each, and orders left alone."""
    walk.chapter("5. Mirrored accounts")
    results = desk.reconcile(made.accounts)
    walk.see("reconcile of all three", [True] * 3, lambda: [row["ok"] for row in results])
    there = desk.trades_there(made.hedge)
    for mode, account_id in made.by_mode.items():
        done = f"{mode}: {len(there)} trades of the exchange, each once"
        walk.see(done, "the same", partial(_compared, desk, account_id, there))
        done = f"{mode}: strategies + unattributed = exchange"
        walk.see(done, _there(desk, account_id), partial(_ours, desk, account_id))
    _reassigned(desk, walk, made)
    _left_alone(desk, walk, made)


def flatten(desk: Desk, walk: Walk, made: Made) -> None:
    """Nothing rests, nothing is held, in all three books and at the exchange.

    The sum of the book that closes everything first is what the exchange holds, so the exchange is
    flat by it. The hedge account then closes the tickets that it imported; they sum to nothing.
    """
    walk.chapter("6. Flat")
    for account_id in made.accounts:
        desk.send(account_id, "cancel_all_orders", comment="the walk ends")
    for account_id in (made.strategy_netting, made.hedge):
        desk.reconcile([account_id])
        desk.send(account_id, "close_all", comment="the walk ends")
        everything = partial(_lines_of, desk.open_positions, account_id)
        walk.see(f"close_all of account {account_id}", "nothing", everything)
        walk.see("the exchange is flat", "0", partial(_there, desk, account_id))
    desk.reconcile(made.accounts)
    for mode, account_id in made.by_mode.items():
        everything = partial(_lines_of, desk.open_positions, account_id)
        walk.see(f"{mode} holds", "nothing", everything)
    walk.see("held there, resting there", "0, 0", partial(_before, desk, made))
    differ = desk.ask("GET", "/oms/discrepancies?status=open")["items"]
    walk.see("open discrepancies", [], lambda: differ)
    verdict = desk.gateway.oms("verify", statuses=(0, 7))
    findings = [row["findings"] for row in verdict["accounts"] if row["findings"]]
    walk.see("oms verify finds", [], lambda: findings)


def _account(desk: Desk, mode: str) -> int:
    target: Target = desk.target
    wish = {
        "exchange_id": target.exchange_id,
        "label": f"walk {mode} {desk.began_ms}",
        "environment": target.environment,
        "is_testnet": True,
        "position_mode": mode,
        "extra_config_json": target.extra_config,
    }
    account_id = int(desk.ask("POST", "/admin/accounts", wish, admin=True)["account_id"])
    credentials = {"api_key": target.api_key, "secret": target.secret}
    if target.passphrase:
        credentials["passphrase"] = target.passphrase
    path = f"/admin/accounts/{account_id}"
    desk.ask("PATCH", path, {"credentials": credentials}, admin=True)
    return account_id


def _rows(desk: Desk) -> list[Json]:
    rows: list[Json] = desk.ask("GET", "/admin/accounts", admin=True)["items"]
    return rows


def _tradable(desk: Desk) -> list[int]:
    rows = desk.ask("GET", "/oms/accounts")["items"]
    return sorted(row["account_id"] for row in rows if row["can_trade"])


def _doctor(desk: Desk, account_id: int) -> str:
    told = desk.gateway.oms("doctor", f"--account-id={account_id}", statuses=(0, 7))
    bad = [f"{row['name']}: {row['detail']}" for row in told["checks"] if not row["ok"]]
    return "; ".join(bad) or "all well"


def _before(desk: Desk, made: Made) -> str:
    """What the exchange holds of the symbol, and how many orders rest there."""
    resting = desk.ccxt(made.hedge, "fetch_open_orders", desk.target.symbol)
    return f"{_there(desk, made.hedge)}, {len(resting)}"


def _there(desk: Desk, account_id: int) -> str:
    return plain(desk.held_there(account_id))


def _ours(desk: Desk, account_id: int) -> str:
    return plain(desk.held(account_id))


def _by_id(desk: Desk, account_id: int) -> list[tuple[int, str]]:
    return [(row["id"], plain(signed(row))) for row in desk.open_positions(account_id)]


def _own(desk: Desk, account_id: int) -> list[Json]:
    """Open positions of strategies; the others were imported."""
    return [row for row in desk.open_positions(account_id) if row["strategy_id"]]


def _tickets(desk: Desk, account_id: int) -> str:
    return _lines(*((row["strategy_id"], signed(row)) for row in _own(desk, account_id)))


def _lines_of(look: Callable[[int], list[Json]], account_id: int) -> str:
    return _lines(*((row["strategy_id"], signed(row)) for row in look(account_id)))


def _lines(*held: tuple[int, Decimal]) -> str:
    return ", ".join(f"{plain(size)} of strategy {name}" for name, size in held) or "nothing"


def _compared(desk: Desk, account_id: int, there: dict[str, Decimal]) -> str:
    """What is booked twice, or in another quantity than the exchange tells."""
    legs: set[tuple[str, int]] = set()
    ours: dict[str, Decimal] = {}
    for deal in desk.deals(account_id):
        name, leg = str(deal["exchange_trade_id"]), int(deal["leg"])
        if (name, leg) in legs:
            return f"{name} twice"
        legs.add((name, leg))
        ours[name] = ours.get(name, Decimal(0)) + Decimal(deal["qty"])
    differing = [name for name in sorted({*ours, *there}) if ours.get(name) != there.get(name)]
    return f"differing: {differing}" if differing else "the same"


def _reassigned(desk: Desk, walk: Walk, made: Made) -> None:
    """An external order of the hedge account gets a strategy: its ticket goes with it."""
    strangers = [row for row in desk.deals(made.hedge) if row["strategy_id"] == 0]
    orders = {row["order_id"]: desk.row("orders", row["order_id"]) for row in strangers}
    # One that was heard before its sender had noted the exchange's id for it names nobody.
    deal = next(row for row in strangers if orders[row["order_id"]]["comment"])
    order = orders[deal["order_id"]]
    senders = [
        (row["reason"], account_id)
        for account_id in (made.netting, made.strategy_netting)
        for row in desk.orders(account_id)
        if row["exchange_order_id"] == order["exchange_order_id"]
    ]
    walk.see("external here, sent by one sibling", 1, lambda: len(_sent(senders)))
    named = f"sent by account {_sent(senders)[0]}"
    walk.see("and its comment says so", ("external", named), lambda: _told_of(order))
    wish = {
        "account_id": made.hedge,
        "order_ids": [order["id"]],
        "target_strategy_id": made.first,
        "comment": "it is ours",
    }
    total = _ours(desk, made.hedge)
    desk.ask("POST", "/oms/reassign", wish)
    moved = desk.row("orders", order["id"])
    seen = (moved["strategy_id"], moved["reconciled"], _ours(desk, made.hedge))
    walk.see("it is reassigned, the sum stays", (made.first, True, total), lambda: seen)
    walk.see("its ticket goes with it", made.first, lambda: _strategy_of(desk, deal))


def _sent(rows: list[tuple[str, int]]) -> list[int]:
    return [account_id for reason, account_id in rows if reason != "external"]


def _told_of(order: Json) -> tuple[str, str | None]:
    return order["reason"], order["comment"]


def _strategy_of(desk: Desk, deal: Json) -> int:
    moved = desk.row("deals", deal["id"])
    return int(desk.row("positions", moved["position_id"])["strategy_id"])


def _left_alone(desk: Desk, walk: Walk, made: Made) -> None:
    """Cancel all of one account does not touch what rests for the others."""
    wish = {
        "symbol": desk.target.symbol,
        "side": "buy",
        "order_type": "limit",
        "qty": plain(desk.target.unit),
        "price": plain(desk.price(made.hedge) * Decimal("0.9")),
    }
    rest = [desk.send(each, "send_order", **wish)["order_id"] for each in made.accounts]
    desk.reconcile([made.netting])  # it imports the others' before it cancels
    desk.send(made.netting, "cancel_all_orders", comment="only its own")
    desk.canceled(rest[1])
    for row_id in (rest[0], rest[2]):
        desk.ask("POST", f"/oms/orders/{row_id}/refresh", {})
    expected = (["SUBMITTED", "CANCELED", "SUBMITTED"], 2)
    look = partial(_resting, desk, made, rest)
    walk.see("cancel_all of netting leaves the others'", expected, look)


def _resting(desk: Desk, made: Made, rest: list[int]) -> tuple[list[str], int]:
    """What became of the orders, and how many rest at the exchange."""
    states = [str(desk.row("orders", each)["status"]) for each in rest]
    return states, len(desk.ccxt(made.hedge, "fetch_open_orders", desk.target.symbol))
