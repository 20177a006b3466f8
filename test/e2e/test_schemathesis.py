"""Requests generated from the OpenAPI document, with every response checked against it.

Two processes send requests to a running gateway concurrently, one with an admin's key and one with
a trader's. These keys are not among the ids in the requests, so neither process can lock itself
out.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.gateway.processes import Gateway
from kit.http.client import call, get, post_order
from kit.http.schemathesis_run import FuzzResult, FuzzRun, ValuesByName, narrow_document

SECONDS_MAX = 1100.0  # a deadline for slow machines; a run takes two to eight minutes
EXAMPLES = 12
GROUPS = 8  # A change may keep the name: every other one is taken by a group made before.
RESTING = {"order_type": "limit", "price": "20000"}
KILL = {"scope": "symbol", "scope_id": "DOGE/USDT", "mode": "halt", "comment": "asked about"}
SINK = {"kind": "webhook", "url": "https://example.com/oms"}
#: Values of settings of signal sources and share links that only fit together by chance.
SOURCE_FIELDS = {
    "SignalSourceRequest.kind": ["trade"],
    "SignalSourceRequest.max_hold_seconds": [3600],
    "SignalSourceRequest.stop_trailing_pct": ["1.5"],
    "SignalSourceRequest.max_age_seconds": [300],
    "SignalSourceRequest.queue_expiry_seconds": [60],
    "SignalSourceRequest.rate_per_minute": [60],
    "SignalSourceRequest.pyramiding_max": [0],
    "NewSink.kind": ["webhook"],
    "ShareLinkRequest.view": ["stats", "positions"],
    "ShareLinkRequest.since": ["2026-01-01T00:00:00Z"],
    "ShareLinkRequest.expires_at": [None],
    "sizing": [{"kind": "qty", "value": "1"}],
    "account_group_id": [None],
    "api_key_ids": [[]],
    "generate_secret": [False],
    "require_signature": [False],
    "ip_allowlist": [[]],
    "symbol_map": [{"BTC": "BTC/USDT"}],
    **{name: ["1.5", 0] for name in ("tp_pct", "sl_pct", "max_signal_slippage_pct")},
}
SYMBOLS = ["BTC/USDT:USDT", "BTC/USDT"]
STORM = {"closed": True, "comment": "asked about"}
PASSWORD = "seventeen quiet rivers"
#: By role, the paths where the other role enumerates invalid values. What both may do is checked
#: with the trader's key, because its grants are looked up as well; random requests of both roles
#: are invalid anywhere. Exports read the parameters of the lists, the inbox is a further name of
#: the discrepancies, a preview reads a command, and a signal by a token what one with a key has.
ONLY_VALID = {
    "admin": "^/(?!admin/|risk/)",
    "trader": (
        "^/(admin/|oms/export/|oms/reconcile/inbox|oms/commands/preview|in/|signals/tradingview/)"
    ),
}
#: By role, the paths where no values are enumerated: the trader's valid commands are enough.
ONLY_RANDOM = {"admin": "^/oms/commands", "trader": "^$"}
ROLES = tuple(ONLY_VALID)
NEVER_DONE = frozenset(
    {
        "change_password",  # Neither client has one.
        "log_in",  # Name and password would have to be guessed.
        "log_out",  # A key is not a token.
        # They need the origin of a page, and the cookie of a browser session.
        *("start_session", "change_session_key", "touch_session", "confirm_session"),
        *("revoke_own_session", "revoke_session"),
        "release_kill_switch",  # A switch is not released so early.
        # Discrepancies with an exchange cannot be produced by requests.
        *("apply_discrepancy", "dismiss_discrepancy"),
        *("apply_reconcile_inbox", "dismiss_reconcile_inbox"),
        # A token is of one kind of source; with those of other kinds the address is locked.
        *("post_bounce_signal", "post_bounce_signal_by_token", "post_trade_signal"),
        *("post_trade_signal_by_token", "post_tradingview_signal"),
        *("post_tradingview_signal_by_token", "post_tradingview_signal_by_base_url"),
        "try_signal_source",  # The body of a signal would have to be guessed.
        # There are no candles, and no runner executes backtests.
        *("request_backtest", "request_sweep", "compare_backtests", "get_backtest"),
        *("delete_backtest", "list_backtest_trades", "list_backtest_round_trips"),
        *("list_backtest_combinations", "get_backtest_equity", "get_backtest_report"),
        # There are no candles for bots and charts, and no runner reads the strategies.
        *("create_bot", "change_bot", "delete_bot", "get_bot", "list_bot_events"),
        *("start_bot", "restart_bot", "stop_bot", "run_strategy", "reload_catalog"),
        "redeliver",  # Messages wait for an address without an answer.
    }
)
"""Operations for which no 2xx response is expected."""


@pytest.fixture(scope="module")
def runs(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> dict[str, FuzzResult]:
    """Both runs, concurrently."""
    folder = tmp_path_factory.mktemp("fuzzing")
    gateway.add_accounts(2, position_mode="hedge")
    accounts = [row["account_id"] for row in get(gateway, "/oms/accounts")["items"]]
    document = call(gateway, "GET", "/openapi.json")[1]
    keys = {"admin": gateway.admin_api_key, "trader": gateway.api_key}
    mine = {"admin": accounts[2:], "trader": accounts[:2]}
    started = {
        role: FuzzRun.start(
            folder / role,
            gateway.base_url,
            keys[role],
            narrow_document(document, *known(gateway, role, mine[role])),
            examples=EXAMPLES,
            only_valid=ONLY_VALID[role],
            only_random=ONLY_RANDOM[role],
        )
        for role in ROLES
    }
    try:
        return {role: run.wait(SECONDS_MAX) for role, run in started.items()}
    finally:
        for run in started.values():
            run.stop()


def known(gateway: Gateway, role: str, accounts: list[int]) -> tuple[ValuesByName, ValuesByName]:
    """Return known values for parameters and bodies, created for this role only."""
    keys = {"admin": gateway.admin_api_key, "trader": gateway.api_key}
    orders: list[int] = []
    for account_id in accounts:
        for payload in ({}, {"side": "sell", "qty": "0.004"}, RESTING):
            orders.append(post_order(gateway, account_id, **payload)["results"][0]["order_id"])
    listed = ",".join(map(str, accounts))
    for symbol in SYMBOLS if role == "admin" else ():
        gateway.oms("instruments", "add", "--exchange=binance", f"--symbol={symbol}")
    positions = get(gateway, f"/oms/positions/open?account_ids={listed}")["items"]
    strategy = _made(gateway, gateway.api_key, "/strategies", name=role, account_ids=accounts)
    key = _made(gateway, keys[role], "/user/api-keys", label="asked about")
    user = _made(
        gateway,
        gateway.admin_api_key,
        "/admin/users-with-api-key",
        user_name=f"{role} asked about",
        password=PASSWORD,
    )
    ids = [positions[0]["id"], positions[1]["id"]]
    switch = _made(gateway, gateway.admin_api_key, "/risk/kill", **KILL)
    armed = {"account_ids": accounts, "timeout_seconds": 3600, "action": "cancel_entries"}
    deadman = _made(gateway, gateway.api_key, "/risk/deadman", **armed)
    members = [{"account_id": each, "ratio": "1"} for each in accounts]
    groups = [
        _made(gateway, keys[role], "/account-groups", name=f"{role} {number}", members=members)
        for number in range(GROUPS)
    ]
    level = {"symbol": "BTC/USDT:USDT", "condition": "above", "price": "9000000"}
    alert = _made(gateway, gateway.api_key, "/alerts?wait_ms=8000", account_id=accounts[0], **level)
    days = [(datetime.now(UTC) + timedelta(days=n)).date().isoformat() for n in range(30, 60)]
    own_days = days[: len(days) // 2] if role == "admin" else days[len(days) // 2 :]
    overrides = [
        _made(gateway, gateway.admin_api_key, "/admin/session-overrides", date=day, **STORM)
        for day in own_days[:GROUPS]
    ]
    sinks = [
        _made(gateway, gateway.admin_api_key, "/notifications/sinks", name=f"{role} {n}", **SINK)
        for n in range(GROUPS)
    ]
    messages = [
        _made(gateway, gateway.admin_api_key, f"/notifications/sinks/{sink['id']}/test")
        for sink in sinks
    ]
    links = [
        _made(gateway, keys[role], "/user/share-links", view="stats", account_ids=accounts)
        for _ in range(GROUPS)
    ]
    source = _made(
        gateway,
        gateway.admin_api_key,
        "/signals/sources",
        name=f"{role} asked about",
        kind="trade",
        account_id=accounts[0],
    )
    trade = {"symbol": "BTC/USDT:USDT", "side": "buy", "qty": "0.001", "account_id": accounts[0]}
    status, signal, _ = call(gateway, "POST", "/signals/trade", trade, key=gateway.api_key)
    assert status == 202, signal
    rows = [{"id": orders[-1], "comment": "set right"}, {"id": ids[0], "comment": "set right"}]
    both: ValuesByName = {
        "kill_id": [switch["id"]],
        "deadman_id": [deadman["id"]],
        "group_id": [group["group_id"] for group in groups],
        "source_id": [source["source"]["source_id"]],
        "signal_id": [signal["signal_id"]],
        "path_token": [source["path_token"]],
        "source": [source["source"]["name"]],
        "override_id": [override["id"] for override in overrides],
        "sink_id": [sink["id"] for sink in sinks],
        "delivery_id": [message["id"] for message in messages],
        "share_link_id": [link["share_link"]["share_link_id"] for link in links],
        "share_token": [link["token"] for link in links],
        "exchange": ["binance"],
        "strategy_name": ["rsi", "sma_cross"],
        "timeframe": ["1h"],
        "start": ["2026-01-01T00:00:00Z"],
        "end": ["2026-12-31T00:00:00Z"],
        "url": ["https://example.com/oms"],
        "date": own_days,
        "open": ["09:30"],
        "close": ["13:00"],
        "alert_id": [alert["alert"]["alert_id"]],
        "account_id": accounts,
        "strategy_id": [0, strategy["strategy_id"]],
        "target_strategy_id": [0, strategy["strategy_id"]],
        "order_id": orders,
        "order_ids": [orders, orders[:1]],
        "position_id": ids,
        "target_position_id": [0, ids[0]],
        **dict.fromkeys(("position_id_a", "source_position_id"), ids[:1]),
        "position_id_b": ids[1:],
        "command_id": [get(gateway, f"/oms/orders/{orders[0]}")["items"][0]["command_id"]],
        "ids": [",".join(map(str, orders)), str(ids[0])],
        "user_id": [user["user_id"]],
        "api_key_id": [key["api_key_id"], user["api_key_id"]],
        "symbol": SYMBOLS,
        "since": ["0", "2026-01-01T00:00:00Z"],
        "start_date": ["2026-01-01"],
        "end_date": ["2026-12-31"],
        "tz": ["UTC", "+02:00"],
        "cursor": [""],
        "after": ["now", f"{accounts[0]}:0"],
        "func": ["fetch_balance", "fetchTicker", "fetch_open_orders", "describe", "withdraw"],
    }
    asked_by = {**both, "account_ids": [str(accounts[0]), listed]}
    carried = {
        **both,
        "account_ids": [accounts],
        "scope": ["account", "short"],
        "scope_id": accounts[:1],
        "keys": [{"max_order_notional": "1000000000"}, {"max_order_notional": 0}],
        "confirm": [switch["confirm"]],
        "enabled": [True],
        "timeout_seconds": [3600],
        "members": [members, members[:1]],
        "condition": ["above", "below", "crosses"],
        **SOURCE_FIELDS,
        "row": rows,
        "name": [f"{role} {number}" for number in range(30)],
    }
    return asked_by, carried


@pytest.mark.parametrize("role", ROLES)
def test_responses_match_the_document(
    gateway: Gateway, runs: dict[str, FuzzResult], role: str
) -> None:
    assert runs[role].status == 0, runs[role].output[-20_000:] + gateway.log_tail()


def test_operations_succeed_at_least_once(gateway: Gateway, runs: dict[str, FuzzResult]) -> None:
    document = call(gateway, "GET", "/openapi.json")[1]
    names = {
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
    }
    done = {
        name
        for run in runs.values()
        for name, statuses in run.answers.items()
        if any(status < 300 for status in statuses)
    }
    assert names - done <= NEVER_DONE
    assert all(set(run.answers) == names for run in runs.values())


def _made(gateway: Gateway, key: str, path: str, **body: object) -> Any:
    status, body, _ = call(gateway, "POST", path, body, key=key)
    assert status == 200, body
    return body
