"""The steps of a testnet walk: three accounts on one set of credentials.

Each function is a chapter of docs/how-to/testnet.md; each leaves the ledger such that the next one
can begin.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from testnet_walk_client import Json, OperatorClient, Target, Walk, plain, signed

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
class Accounts:
    """What the bootstrap created: accounts by their mode, and two strategies."""

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


def bootstrap(client: OperatorClient, walk: Walk) -> Accounts:
    """Create a user, a key, three accounts on the same credentials, permissions and strategies."""
    walk.chapter("1. Bootstrap")
    name = f"walker-{client.began_ms}"
    user = {"user_name": name, "role": "trader", "label": "testnet walk"}
    created_user = client.request("POST", "/admin/users-with-api-key", user, admin=True)
    client.api_key = created_user["api_key_plain"]
    profile = client.request("GET", "/user/profile")
    walk.see("a user with an API key", name, lambda: profile["user_name"])
    ids = [_account(client, mode) for mode in MODES]
    sealed = [row["api_key_enc"] for row in _rows(client) if row["account_id"] in ids]
    walk.see("three accounts, credentials sealed", ["enc:***"] * 3, lambda: sealed)
    for account_id in ids:
        rights = dict.fromkeys(RIGHTS, True) | {"account_id": account_id}
        path = f"/admin/api-keys/{created_user['api_key_id']}/permissions"
        client.request("PUT", path, rights, admin=True)
    walk.see("the key may trade on them", ids, lambda: _tradable(client))
    strategies = [
        int(
            client.request("POST", "/strategies", {"name": name, "account_ids": ids})["strategy_id"]
        )
        for name in ("walk one", "walk two")
    ]
    with ThreadPoolExecutor(len(ids)) as pool:
        reports = list(pool.map(lambda each: _doctor(client, each), ids))
    for mode, found in zip(MODES, reports, strict=True):
        walk.see(f"oms doctor of {mode}", "all well", partial(str, found))
    made = Accounts(*ids, *strategies)
    walk.see("held there, resting there", "0, 0", partial(_before, client, made))
    return made


def hedge(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    """Opposite tickets of two strategies over one net position of the exchange."""
    walk.chapter("2. Hedge: tickets of two strategies")
    account, unit = made.hedge, client.target.unit
    tickets, there = partial(_tickets, client, account), partial(_there, client, account)
    client.order(account, "buy", 2 * unit, strategy_id=made.first)
    client.order(account, "sell", unit, strategy_id=made.second)
    client.order(account, "buy", unit, strategy_id=made.first, new_position=True)
    expected = _lines((made.first, 2 * unit), (made.second, -unit), (made.first, unit))
    walk.see("two strategies open three tickets", expected, tickets)
    walk.see("the exchange holds their sum", plain(2 * unit), there)
    long, short, other = _own(client, account)
    client.close(other)
    expected = _lines((made.first, 2 * unit), (made.second, -unit))
    walk.see("one is closed by its position_id", expected, tickets)
    both = {"position_id_a": long["id"], "position_id_b": short["id"]}
    client.send(account, "close_by", **both)
    walk.see("close_by of the opposite two", _lines((made.first, unit)), tickets)
    walk.see("the exchange holds the rest", plain(unit), there)
    client.close(client.row("positions", long["id"]))
    walk.see("the rest is closed", "nothing", tickets)
    walk.see("the exchange is flat", "0", there)


def netting(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    """Open, reduce, flip: one position of the symbol and one identifier."""
    walk.chapter("3. Netting: one position")
    account, unit = made.netting, client.target.unit
    ours, there = partial(_ours, client, account), partial(_there, client, account)
    client.reconcile([account])
    walk.see("the trades of the hedge account are imported", "0", ours)
    client.order(account, "buy", 2 * unit)
    walk.see("open", plain(2 * unit), ours)
    (opened,) = client.open_positions(account)
    client.order(account, "sell", unit)
    walk.see("reduce", [(opened["id"], plain(unit))], partial(_by_id, client, account))
    client.order(account, "sell", 3 * unit)
    walk.see("reverse", plain(-2 * unit), ours)
    (flipped,) = client.open_positions(account)
    kept = (flipped["identifier"], flipped["previous_position_id"], flipped["id"] != opened["id"])
    whose = (opened["identifier"], opened["id"], True)
    walk.see("identifier and forerunner stay, the id is new", whose, lambda: kept)
    walk.see("the exchange holds the same", plain(-2 * unit), there)
    client.close(flipped)
    walk.see("closed", "0", ours)
    walk.see("the exchange is flat", "0", there)


def staircase(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    """Small entries of a strategy at rising limits, against the position of another one."""
    walk.chapter("4. Strategy netting: a staircase")
    account, unit, first = made.strategy_netting, client.target.unit, made.first
    tickets = partial(_tickets, client, account)
    client.reconcile([account])
    walk.see("what the others traded is imported", "0", partial(_ours, client, account))
    price = client.price(account)
    entries = []
    for stair in range(1, 5):
        limit = plain(price * (1 + Decimal(stair) / 1000))
        limit_order = {"order_type": "limit", "price": limit, "strategy_id": first}
        entries.append(client.order(account, "buy", unit, **limit_order))
        done = f"entry {stair}, limit {entries[-1]['price']}"
        walk.see(done, _lines((first, stair * unit)), tickets)
    limits = [Decimal(row["price"]) for row in entries]
    walk.see("each limit is above the one before", sorted(set(limits)), lambda: limits)
    (climbed,) = _own(client, account)
    mean = sum(Decimal(row["avg_fill_price"]) for row in entries) / len(entries)
    off = abs(Decimal(climbed["avg_price"]) / mean - 1)
    walk.see("its price is the mean of the entries", True, lambda: off < Decimal("1e-6"))
    client.order(account, "sell", unit, strategy_id=made.second)
    expected = _lines((first, 4 * unit), (made.second, -unit))
    walk.see("another strategy holds the opposite", expected, tickets)
    for left in (3, 2):
        client.close(climbed, qty=plain(unit))
        expected = _lines((first, left * unit), (made.second, -unit))
        walk.see("a partial exit", expected, tickets)
    walk.see("the exchange holds the sum", plain(unit), partial(_there, client, account))


def mirrors(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    """Three ledgers of one exchange account: each trade once in each, and orders left alone."""
    walk.chapter("5. Mirrored accounts")
    results = client.reconcile(made.accounts)
    walk.see("reconcile of all three", [True] * 3, lambda: [row["ok"] for row in results])
    there = client.exchange_trades(made.hedge)
    for mode, account_id in made.by_mode.items():
        done = f"{mode}: {len(there)} trades of the exchange, each once"
        walk.see(done, "the same", partial(_compared, client, account_id, there))
        done = f"{mode}: strategies + unattributed = exchange"
        walk.see(done, _there(client, account_id), partial(_ours, client, account_id))
    _reassigned(client, walk, made)
    _left_alone(client, walk, made)


def flatten(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    """Cancel and close everything in all three accounts and at the exchange.

    The sum of the account that closes everything first is what the exchange holds, so this makes
    the exchange flat. The hedge account then closes the tickets that it imported; their sum is
    zero.
    """
    walk.chapter("6. Flat")
    for account_id in made.accounts:
        client.send(account_id, "cancel_all_orders", comment="the walk ends")
    for account_id in (made.strategy_netting, made.hedge):
        client.reconcile([account_id])
        client.send(account_id, "close_all", comment="the walk ends")
        everything = partial(_lines_of, client.open_positions, account_id)
        walk.see(f"close_all of account {account_id}", "nothing", everything)
        walk.see("the exchange is flat", "0", partial(_there, client, account_id))
    client.reconcile(made.accounts)
    for mode, account_id in made.by_mode.items():
        everything = partial(_lines_of, client.open_positions, account_id)
        walk.see(f"{mode} holds", "nothing", everything)
    walk.see("held there, resting there", "0, 0", partial(_before, client, made))
    differ = client.request("GET", "/oms/discrepancies?status=open")["items"]
    walk.see("open discrepancies", [], lambda: differ)
    verdict = client.gateway.oms("verify", statuses=(0, 7))
    findings = [row["findings"] for row in verdict["accounts"] if row["findings"]]
    walk.see("oms verify finds", [], lambda: findings)


def _account(client: OperatorClient, mode: str) -> int:
    target: Target = client.target
    account = {
        "exchange_id": target.exchange_id,
        "label": f"walk {mode} {client.began_ms}",
        "environment": target.environment,
        "is_testnet": True,
        "position_mode": mode,
        "risk_preset": "open",
        "extra_config_json": target.extra_config,
    }
    account_id = int(client.request("POST", "/admin/accounts", account, admin=True)["account_id"])
    credentials = {"api_key": target.api_key, "secret": target.secret}
    if target.passphrase:
        credentials["passphrase"] = target.passphrase
    path = f"/admin/accounts/{account_id}"
    client.request("PATCH", path, {"credentials": credentials}, admin=True)
    return account_id


def _rows(client: OperatorClient) -> list[Json]:
    rows: list[Json] = client.request("GET", "/admin/accounts", admin=True)["items"]
    return rows


def _tradable(client: OperatorClient) -> list[int]:
    rows = client.request("GET", "/oms/accounts")["items"]
    return sorted(row["account_id"] for row in rows if row["can_trade"])


def _doctor(client: OperatorClient, account_id: int) -> str:
    report = client.gateway.oms("doctor", f"--account-id={account_id}", statuses=(0, 7))
    bad = [f"{row['name']}: {row['detail']}" for row in report["checks"] if not row["ok"]]
    return "; ".join(bad) or "all well"


def _before(client: OperatorClient, made: Accounts) -> str:
    """Return the exchange's position of the symbol, and how many orders rest there."""
    resting = client.ccxt(made.hedge, "fetch_open_orders", client.target.symbol)
    return f"{_there(client, made.hedge)}, {len(resting)}"


def _there(client: OperatorClient, account_id: int) -> str:
    return plain(client.exchange_position(account_id))


def _ours(client: OperatorClient, account_id: int) -> str:
    return plain(client.ledger_position(account_id))


def _by_id(client: OperatorClient, account_id: int) -> list[tuple[int, str]]:
    return [(row["id"], plain(signed(row))) for row in client.open_positions(account_id)]


def _own(client: OperatorClient, account_id: int) -> list[Json]:
    """Return the open positions of strategies; the others were imported."""
    return [row for row in client.open_positions(account_id) if row["strategy_id"]]


def _tickets(client: OperatorClient, account_id: int) -> str:
    return _lines(*((row["strategy_id"], signed(row)) for row in _own(client, account_id)))


def _lines_of(look: Callable[[int], list[Json]], account_id: int) -> str:
    return _lines(*((row["strategy_id"], signed(row)) for row in look(account_id)))


def _lines(*ledger_position: tuple[int, Decimal]) -> str:
    return (
        ", ".join(f"{plain(size)} of strategy {name}" for name, size in ledger_position)
        or "nothing"
    )


def _compared(client: OperatorClient, account_id: int, there: dict[str, Decimal]) -> str:
    """Return what is booked twice, or in another quantity than the exchange reports."""
    legs: set[tuple[str, int]] = set()
    ours: dict[str, Decimal] = {}
    for deal in client.deals(account_id):
        name, leg = str(deal["exchange_trade_id"]), int(deal["leg"])
        if (name, leg) in legs:
            return f"{name} twice"
        legs.add((name, leg))
        ours[name] = ours.get(name, Decimal(0)) + Decimal(deal["qty"])
    differing = [name for name in sorted({*ours, *there}) if ours.get(name) != there.get(name)]
    return f"differing: {differing}" if differing else "the same"


def _reassigned(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    """Assign an external order of the hedge account to a strategy: its ticket moves with it."""
    external_deals = [row for row in client.deals(made.hedge) if row["strategy_id"] == 0]
    orders = {row["order_id"]: client.row("orders", row["order_id"]) for row in external_deals}
    # An order reported before its sender had stored the exchange's id names no account.
    deal = next(row for row in external_deals if orders[row["order_id"]]["comment"])
    order = orders[deal["order_id"]]
    senders = [
        (row["reason"], account_id)
        for account_id in (made.netting, made.strategy_netting)
        for row in client.orders(account_id)
        if row["exchange_order_id"] == order["exchange_order_id"]
    ]
    walk.see("external here, sent by one sibling", 1, lambda: len(_sent(senders)))
    named = f"sent by account {_sent(senders)[0]}"
    walk.see("and its comment says so", ("external", named), lambda: _reason_and_comment(order))
    body = {
        "account_id": made.hedge,
        "order_ids": [order["id"]],
        "target_strategy_id": made.first,
        "comment": "it is ours",
    }
    total = _ours(client, made.hedge)
    client.request("POST", "/oms/reassign", body)
    moved = client.row("orders", order["id"])
    seen = (moved["strategy_id"], moved["reconciled"], _ours(client, made.hedge))
    walk.see("it is reassigned, the sum stays", (made.first, True, total), lambda: seen)
    walk.see("its ticket goes with it", made.first, lambda: _strategy_of(client, deal))


def _sent(rows: list[tuple[str, int]]) -> list[int]:
    return [account_id for reason, account_id in rows if reason != "external"]


def _reason_and_comment(order: Json) -> tuple[str, str | None]:
    return order["reason"], order["comment"]


def _strategy_of(client: OperatorClient, deal: Json) -> int:
    moved = client.row("deals", deal["id"])
    return int(client.row("positions", moved["position_id"])["strategy_id"])


def _left_alone(client: OperatorClient, walk: Walk, made: Accounts) -> None:
    """ "Cancel all" of one account does not affect what rests for the others."""
    resting_order = {
        "symbol": client.target.symbol,
        "side": "buy",
        "order_type": "limit",
        "qty": plain(client.target.unit),
        "price": plain(client.price(made.hedge) * Decimal("0.9")),
    }
    rest = [client.send(each, "send_order", **resting_order)["order_id"] for each in made.accounts]
    client.reconcile([made.netting])  # It imports the others' orders before it cancels.
    client.send(made.netting, "cancel_all_orders", comment="only its own")
    client.canceled(rest[1])
    for row_id in (rest[0], rest[2]):
        client.request("POST", f"/oms/orders/{row_id}/refresh", {})
    expected = (["SUBMITTED", "CANCELED", "SUBMITTED"], 2)
    look = partial(_resting, client, made, rest)
    walk.see("cancel_all of netting leaves the others'", expected, look)


def _resting(client: OperatorClient, made: Accounts, rest: list[int]) -> tuple[list[str], int]:
    """Return the states of the orders, and how many rest at the exchange."""
    states = [str(client.row("orders", each)["status"]) for each in rest]
    return states, len(client.ccxt(made.hedge, "fetch_open_orders", client.target.symbol))
