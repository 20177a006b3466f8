"""What a person sees of a command: status, price, fee, position; one line if it fails."""

from typing import Any

import pytest

from oms.cli.main import main
from oms.cli.output import CommandFailed

SEND = "send-order --account-id 2 --symbol A/B --side buy --order-type {} --qty 0.03"
ORDER: dict[str, Any] = {
    "id": 7,
    "account_id": 2,
    "position_id": 5,
    "symbol": "A/B",
    "side": "buy",
    "order_type": "market",
    "status": "FILLED",
    "qty": "0.03",
    "filled_qty": "0.03",
    "price": None,
    "avg_fill_price": "60000.1",
    "fee": "0.9",
    "fee_currency": "USDT",
}
DEAL = {"id": 9, "position_id": 5, "pnl": "0"}
POSITION = {
    "id": 5,
    "side": "buy",
    "qty": "0.05",
    "symbol": "A/B",
    "avg_price": "60000.05",
    "closed_at": None,
    "realized_pnl": "-0.9",
}
RESULT: dict[str, Any] = {
    "command_id": 3,
    "order_id": 7,
    "status": "done",
    "order": ORDER,
    "deals": [DEAL],
    "orders": None,
}


class Server:
    """Answers of the gateway by path; ``asked`` are the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {"/oms/positions/5": [{"items": [POSITION]}]}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def answers_command(self, *results: dict[str, Any]) -> None:
        """Set the answer of ``/oms/commands``."""
        self.answers["/oms/commands"] = [{"results": list(results)}]

    def request(
        self, parsed: Any, method: str, path: str, query: Any, body: Any = None, *more: Any
    ) -> Any:
        """Stand in for ``network.request``."""
        self.asked.append((path, query))
        answers = self.answers[path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, CommandFailed):
            raise answer
        return answer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A gateway that answers, and a terminal that reads."""
    standing = Server()
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr("oms.cli.network.request", standing.request)
    monkeypatch.setattr("oms.cli.terminal.command_results.request", standing.request)
    monkeypatch.setattr("oms.cli.terminal.command_results.POLL_SECONDS", 0)
    monkeypatch.setattr("oms.cli.output.is_terminal", lambda: True)
    return standing


def _lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_filled_order_shows_price_fee_and_position(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers_command(RESULT)
    main(SEND.format("market").split())
    assert _lines(capsys) == [
        "FILLED  buy 0.03 A/B at 60000.1",
        "order 7, account 2, fee 0.9 USDT",
        "position 5: buy 0.05 A/B at 60000.05",
    ]
    assert server.asked[0] == ("/oms/commands", {"wait_ms": 10_000})


def test_a_closing_order_shows_its_profit(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers_command(RESULT | {"deals": [DEAL | {"pnl": "12.5"}]})
    closed = POSITION | {"closed_at": "2026-11-22T17:50:24Z", "realized_pnl": "11.6"}
    server.answers["/oms/positions/5"] = [{"items": [closed]}]
    main(["close-position", "--account-id", "2", "--position-id", "5"])
    assert _lines(capsys)[1:] == [
        "order 7, account 2, fee 0.9 USDT, profit 12.5",
        "position 5 closed, realized 11.6",
    ]


def test_a_market_order_is_awaited(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    sent = {"status": "SUBMITTED", "filled_qty": "0", "avg_fill_price": None, "fee": None}
    server.answers_command(RESULT | {"order": ORDER | sent, "deals": []})
    part = {"status": "PARTIALLY_FILLED", "filled_qty": "0.01"}
    server.answers["/oms/orders/7"] = [{"items": [ORDER | part]}, {"items": [ORDER]}]
    main(SEND.format("market").split())
    assert _lines(capsys)[0] == "FILLED  buy 0.03 A/B at 60000.1"


def test_an_order_that_is_not_filled_in_time_is_shown_as_it_is(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    part = {"status": "PARTIALLY_FILLED", "filled_qty": "0.01"}
    server.answers_command(RESULT | {"order": ORDER | part})
    server.answers["/oms/orders/7"] = [{"items": [ORDER | part]}]
    main([*SEND.format("market").split(), "--timeout", "0.01"])
    assert _lines(capsys)[0] == "PARTIALLY_FILLED  buy 0.01 of 0.03 A/B at 60000.1"


def test_an_order_that_cannot_be_read_again_is_shown_as_it_was(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    part = {"status": "PARTIALLY_FILLED", "filled_qty": "0.01"}
    server.answers_command(RESULT | {"order": ORDER | part})
    server.answers["/oms/orders/7"] = [CommandFailed("no response", status=5)]
    main(SEND.format("market").split())
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "PARTIALLY_FILLED  buy 0.01 of 0.03 A/B at 60000.1"
    assert shown.err == "oms: order 7 was sent; its state cannot be read: no response\n"


def test_an_order_is_shown_although_its_positions_cannot_be_read(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers_command(RESULT)
    server.answers["/oms/positions/5"] = [CommandFailed("404: no such position", status=4)]
    main(SEND.format("market").split())
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "FILLED  buy 0.03 A/B at 60000.1",
        "order 7, account 2, fee 0.9 USDT",
    ]
    assert shown.err == "oms: the positions cannot be read: 404: no such position\n"


@pytest.mark.parametrize(("timeout", "wait_ms"), [("5", 4_000), ("11", 10_000), ("0.5", 0)])
def test_the_server_answers_before_the_timeout(
    timeout: str, wait_ms: int, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers_command(RESULT)
    main([*SEND.format("market").split(), "--timeout", timeout])
    assert server.asked[0] == ("/oms/commands", {"wait_ms": wait_ms})


def test_a_resting_order_is_not_awaited(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    rests = {"status": "SUBMITTED", "order_type": "limit", "price": "50000", "filled_qty": "0"}
    order = ORDER | rests | {"avg_fill_price": None, "fee": None, "position_id": 0}
    server.answers_command(RESULT | {"order": order, "deals": []})
    main([*SEND.format("limit").split(), "--price", "50000"])
    assert _lines(capsys) == ["SUBMITTED  buy 0.03 A/B at 50000", "order 7, account 2"]
    assert [path for path, _ in server.asked] == ["/oms/commands"]


def test_without_a_wait_the_command_is_named(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers_command(RESULT | {"order": None, "deals": None, "status": "queued"})
    main([*SEND.format("market").split(), "--wait-ms", "0"])
    assert _lines(capsys) == ["queued: command 3, order 7"]
    assert server.asked == [("/oms/commands", {"wait_ms": 0})]


@pytest.mark.parametrize(
    ("orders", "said"),
    [([], "no open orders"), ([ORDER | {"status": "CANCELED"}], "1 of 1 orders canceled")],
)
def test_cancel_all_lists_what_it_canceled(
    orders: list[Any], said: str, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers_command(RESULT | {"order": None, "deals": None, "orders": orders or None})
    main(["cancel-all", "--account-id", "2"])
    lines = _lines(capsys)
    assert lines[0] == said and len(lines) == 1 + 3 * len(orders)


def test_json_on_a_terminal_is_the_answer_alone(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers_command(RESULT)
    main([*SEND.format("market").split(), "--json"])
    assert capsys.readouterr().out.startswith('{\n  "results"')
    assert server.asked == [("/oms/commands", {})]
