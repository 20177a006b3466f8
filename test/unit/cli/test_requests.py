"""Requests of the network commands: method, path, query, body, headers."""

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from kit.http.threaded_server import serve_in_thread
from oms.cli.main import main
from oms.cli.settings import environment

KEY = "oms_key-of-a-test-key-of-a-test"
TODAY = datetime.now(UTC).date()
ORDER = "--account-id 1 --order-id 2"
CSV = "--account-ids 1,2"


def _open() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@dataclass
class Asked:
    """The last request and its response."""

    method: str = ""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    may_answer: threading.Event = field(default_factory=_open)
    #: Answers of single paths.
    answers: dict[str, bytes] = field(default_factory=dict)
    answer: bytes = b'{"ok": true, "text": "\xc3\xbc", "items": [{"b": 1, "a": "2"}]}'


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    """A server that records the last request."""
    asked = Asked()

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.method, parts = self.command, urlsplit(self.path)
            asked.path, asked.query = parts.path, dict(parse_qsl(parts.query))
            asked.headers = {name.lower(): value for name, value in self.headers.items()}
            length = int(self.headers.get("content-length") or 0)
            asked.body = json.loads(self.rfile.read(length)) if length else None
            asked.may_answer.wait()
            answer = asked.answers.get(asked.path, asked.answer)
            self.send_response(asked.status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

        def log_message(self, format: str, *parts: object) -> None:
            """Log nothing."""

    for name in list(environment()):
        if name.startswith("OMS_"):
            monkeypatch.delenv(name)
    with serve_in_thread(ThreadingHTTPServer(("127.0.0.1", 0), Listener)) as url:
        monkeypatch.setenv("OMS_BASE_URL", url)
        monkeypatch.setenv("OMS_API_KEY", KEY)
        yield asked
        asked.may_answer.set()


def _command(name: str, **payload: object) -> dict[str, Any]:
    return {"account_id": 1, "command": name, "payload": payload}


@pytest.mark.parametrize(
    ("line", "body"),
    [
        (
            "send-order --account-id 1 --symbol A/B --side buy --order-type limit --qty 1e-3"
            " --price 2 --strategy-id 3 --position-id 4 --client-order-id c --reduce-only"
            " --stop-loss 1 --stop-gain 9 --comment x",
            _command(
                "send_order",
                symbol="A/B",
                side="buy",
                order_type="limit",
                qty="1e-3",
                price="2",
                strategy_id=3,
                position_id=4,
                client_order_id="c",
                reduce_only=True,
                stop_loss="1",
                stop_gain="9",
                comment="x",
            ),
        ),
        (
            "send-order --account-id 1 --symbol A/B --side buy --order-type market --qty 1",
            _command(
                "send_order",
                symbol="A/B",
                side="buy",
                order_type="market",
                qty="1",
                strategy_id=0,
                position_id=0,
                reduce_only=False,
            ),
        ),
        (
            f"change-order {ORDER} --new-price 3 --comment x",
            _command("change_order", order_id=2, new_price="3", comment="x"),
        ),
        (f"cancel-order {ORDER}", _command("cancel_order", order_id=2)),
        ("cancel-all --account-id 1", _command("cancel_all_orders")),
        (
            "cancel-all --account-id 1 --symbol A/B --strategy-ids 0 3 --comment x",
            _command("cancel_all_orders", symbol="A/B", strategy_ids=[0, 3], comment="x"),
        ),
        (
            "change-position --account-id 1 --position-id 2 --stop-gain none --stop-loss-pct 1.5",
            _command("position_change", position_id=2, stop_gain=None, stop_loss_pct="1.5"),
        ),
        ("break-even --account-id 1 --position-id 2", _command("break_even", position_id=2)),
        (
            "close-position --account-id 1 --position-id 2 --qty 3",
            _command("close_position", position_id=2, order_type="market", qty="3", strategy_id=0),
        ),
        (
            "close-by --account-id 1 --position-id-a 2 --position-id-b 3 --qty 4",
            _command("close_by", position_id_a=2, position_id_b=3, strategy_id=0, qty="4"),
        ),
    ],
)
def test_commands(line: str, body: dict[str, Any], server: Asked) -> None:
    main(line.split())
    assert (server.method, server.path, server.query) == ("POST", "/oms/commands", {})
    assert server.body == body
    assert server.headers["x-api-key"] == KEY


@pytest.mark.parametrize(
    ("line", "path", "body"),
    [
        (
            "reassign-position --account-id 1 --order-ids 2 3 --target-strategy-id 4",
            "/oms/reassign",
            {"account_id": 1, "order_ids": [2, 3], "deal_ids": []}
            | {"target_strategy_id": 4, "target_position_id": 0},
        ),
        (
            "create-strategy --name s --account-ids 1 2 --client-strategy-id 3",
            "/strategies",
            {"name": "s", "account_ids": [1, 2], "client_strategy_id": 3},
        ),
        ("reconcile", "/oms/reconcile", {"scope": "short"}),
        (
            "reconcile --account-ids 1 2 --scope period --start-date 2026-01-01"
            " --end-date 2026-01-02 --symbols-hint A/B C/D",
            "/oms/reconcile",
            {
                "account_ids": [1, 2],
                "scope": "period",
                "start_date": "2026-01-01",
                "end_date": "2026-01-02",
                "symbols_hint": ["A/B", "C/D"],
            },
        ),
        (
            "paper price --symbol A/B --bid 1 --ask 2",
            "/paper/price",
            {"symbol": "A/B", "bid": "1", "ask": "2"},
        ),
        (
            "paper deposit --account-id 1 --currency X --amount -5",
            "/paper/1/deposit",
            {"currency": "X", "amount": "-5"},
        ),
        ("paper reset --account-id 1 --comment x", "/paper/1/reset", {"comment": "x"}),
    ],
)
def test_posts(line: str, path: str, body: dict[str, Any], server: Asked) -> None:
    main(line.split())
    assert (server.method, server.path, server.query) == ("POST", path, {})
    assert server.body == body


@pytest.mark.parametrize(
    ("line", "path", "query"),
    [
        (f"orders-open {CSV}", "/oms/orders/open", {"account_ids": "1,2", "limit": "500"}),
        (
            f"positions-open {CSV} --strategy-id 0 --limit 5",
            "/oms/positions/open",
            {"account_ids": "1,2", "strategy_id": "0", "limit": "5"},
        ),
        ("order-lineage --order-id 7", "/oms/orders/7/lineage", {}),
        (
            f"orders-open {CSV} --symbol A/B --status rejected --reason sl --group-id 4",
            "/oms/orders/open",
            {"account_ids": "1,2", "limit": "500"}
            | {"symbol": "A/B", "status": "rejected", "reason": "sl", "group_id": "4"},
        ),
        (
            f"orders-history {CSV} --days-back 3 --page 2 --page-size 9",
            "/oms/orders/history",
            {"account_ids": "1,2", "page": "2", "page_size": "9"}
            | {"start_date": str(TODAY - timedelta(days=3)), "end_date": str(TODAY)},
        ),
        (
            f"deals {CSV} --start-date 2026-01-01 --end-date 2026-01-02",
            "/oms/deals",
            {
                "account_ids": "1,2",
                "start_date": "2026-01-01",
                "end_date": "2026-01-02",
                "page": "1",
                "page_size": "100",
            },
        ),
        ("list-accounts", "/oms/accounts", {}),
        ("list-strategies", "/strategies", {}),
        ("dispatcher-status", "/dispatcher/status", {}),
        (
            "reconcile-status --status stale",
            "/oms/reconcile/status",
            {"status": "stale", "stale_after_seconds": "120"},
        ),
        (
            "reconcile-status --account-id 7 --stale-after-seconds 5",
            "/oms/reconcile/7/status",
            {"stale_after_seconds": "5"},
        ),
    ],
)
def test_reads(line: str, path: str, query: dict[str, str], server: Asked) -> None:
    main(line.split())
    assert (server.method, server.path, server.query) == ("GET", path, query)
    assert server.body is None and server.headers["x-api-key"] == KEY


ACCOUNTS = {
    "items": [
        {"account_id": 3, "can_read": True},
        {"account_id": 4, "can_read": False},
        {"account_id": 5, "can_read": True},
    ]
}


@pytest.mark.parametrize("command", ["orders-open", "positions-open", "deals"])
def test_reads_cover_all_readable_accounts(command: str, server: Asked) -> None:
    server.answers = {"/oms/accounts": json.dumps(ACCOUNTS).encode()}
    main([command])
    assert server.query["account_ids"] == "3,5"


def test_a_key_without_accounts_reads_nothing(
    server: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = {"/oms/accounts": b'{"items": []}'}
    with pytest.raises(SystemExit) as ended:
        main(["deals"])
    assert ended.value.code == 3
    assert capsys.readouterr().err == "oms: the key may read no account\n"


@pytest.mark.parametrize("command", ["balance", "watch"])
@pytest.mark.parametrize("ids", [",", "1,x"])
def test_a_list_without_ids_is_refused(
    command: str, ids: str, server: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--account-ids", ids])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "oms: --account-ids is a list of account ids, as 1,2,3\n"
    assert server.path == "", "nothing was sent"


def test_a_ticker_is_read_on_the_first_readable_account(server: Asked) -> None:
    server.answers = {"/oms/accounts": json.dumps(ACCOUNTS).encode()}
    main(["ticker", "--symbol", "A/B", "--json"])
    assert (server.path, server.body) == ("/ccxt/3/fetch_ticker", {"args": ["A/B"]})


def test_a_key_of_stdin_is_read_once(server: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers = {"/oms/accounts": json.dumps(ACCOUNTS).encode()}
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{KEY}2\n"))
    main(["deals", "--api-key-stdin"])
    assert (server.path, server.headers["x-api-key"]) == ("/oms/deals", f"{KEY}2")


def test_balances_are_exact_and_failures_are_named(
    server: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    balance = (
        b'{"ok": true, "result": {"free": {"USDT": 0.1, "BTC": 1e-08, "ETH": 0.0},'
        b' "used": {"USDT": null, "BTC": 0.0}, "total": {"USDT": 99932.567113, "BTC": 1e-08,'
        b' "ETH": 0.0}}}'
    )
    server.answers = {
        "/oms/accounts": json.dumps(ACCOUNTS).encode(),
        "/ccxt/3/fetch_balance": balance,
        "/ccxt/5/fetch_balance": b"no JSON",
    }
    with pytest.raises(SystemExit) as ended:
        main(["balance"])
    shown = capsys.readouterr()
    assert ended.value.code == 1
    assert shown.err.startswith("oms: account 5: ")
    row = {"account_id": 3, "currency": "BTC"} | {"free": "0.00000001", "used": "0"}
    dollars = {"account_id": 3, "currency": "USDT", "free": "0.1", "used": None}
    assert json.loads(shown.out) == {
        "ok": False,
        "items": [row | {"total": "0.00000001"}, dollars | {"total": "99932.567113"}],
    }


def test_a_ticker_is_of_the_first_readable_account(
    server: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = {"/oms/accounts": json.dumps(ACCOUNTS).encode()}
    server.answer = b'{"ok": true, "result": {"symbol": "A/B", "last": 2.5}}'
    main(["ticker", "--symbol", "A/B"])
    assert (server.path, server.body) == ("/ccxt/3/fetch_ticker", {"args": ["A/B"]})
    assert json.loads(capsys.readouterr().out) == json.loads(server.answer)


def test_health_needs_no_key(server: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMS_API_KEY")
    main(["healthz"])
    assert server.path == "/healthz" and "x-api-key" not in server.headers


def test_response_is_printed_unchanged(server: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list-accounts"])
    assert (
        capsys.readouterr().out
        == json.dumps(json.loads(server.answer), indent=2, ensure_ascii=False) + "\n"
    )


def test_comment_is_sent_as_a_header(server: Asked) -> None:
    main(["reassign-position", "--account-id", "1", "--order-ids", "2", "--comment=tidied"])
    assert server.headers["x-comment"] == "tidied"


def test_comment_of_a_reconcile_is_sent_as_a_header(server: Asked) -> None:
    main(["reconcile", "--account-id", "1", "--comment", "missed-fill"])
    assert server.headers["x-comment"] == "missed-fill"


@pytest.mark.parametrize(
    ("status", "code", "exit_status"),
    [
        (502, "exchange_unavailable", 6),
        (502, "exchange_rejected", 1),
        (504, "outcome_unknown", 5),
        (503, "database_unavailable", 6),
        (422, "comment_required", 2),
    ],
)
def test_error_code_decides_the_exit_status(
    status: int, code: str, exit_status: int, server: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = status
    server.answer = json.dumps({"detail": {"code": code, "message": "words"}}).encode()
    with pytest.raises(SystemExit) as ended:
        main(["list-accounts"])
    shown = capsys.readouterr()
    assert ended.value.code == exit_status
    assert shown.err == f"oms: {code}: words\n"
    assert json.loads(shown.out)["detail"]["code"] == code


def test_silent_server_is_a_timeout(server: Asked) -> None:
    server.may_answer.clear()
    with pytest.raises(SystemExit) as ended:
        main(["list-accounts", "--timeout", "0.1"])
    assert ended.value.code == 5


def test_header_comment_must_be_ascii(server: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["reassign-position", "--account-id", "1", "--order-ids", "2", "--comment", "ü"])
    assert ended.value.code == 2 and "--comment" in capsys.readouterr().err
