"""A stub HTTP transport for tests of the driver: records requests, returns given responses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ccxt_driver import OmsCcxtExchange, OmsHttpClient

BASE_URL = "http://gateway.test:8000"
API_KEY = "oms_a_key_for_tests_only_1234"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRequest:
    """One request as passed to the transport."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    payload: Any


class RepeatingClient:
    """A client that returns the same response to every request and records the paths."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.response: Any = {}

    async def request(self, method: str, path: str, **fields: Any) -> Any:
        """Return ``response``, or raise it."""
        self.paths.append(path)
        if isinstance(self.response, Exception):
            raise self.response
        return self.response


@dataclass(slots=True)
class StubTransport:
    """``transport(method, url, headers, payload)``; returns ``answers`` in order, then the last.

    An answer that is an exception is raised.
    """

    answers: list[Any]
    sent: list[SentRequest] = field(default_factory=list)

    def __call__(self, method: str, url: str, headers: dict[str, str], payload: Any) -> Any:
        parts = urlsplit(url)
        self.sent.append(
            SentRequest(
                method=method,
                path=parts.path,
                query=dict(parse_qsl(parts.query)),
                headers=headers,
                payload=payload,
            )
        )
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def only_request(self) -> SentRequest:
        """The only request."""
        (sent,) = self.sent
        return sent

    @property
    def command(self) -> Any:
        """The body of the only request, which must be a command."""
        assert (self.only_request.method, self.only_request.path) == ("POST", "/oms/commands")
        return self.only_request.payload


def make_exchange(
    *answers: Any, account_id: int = 7, **keywords: Any
) -> tuple[OmsCcxtExchange, StubTransport]:
    """A driver with a stub transport that returns these answers; its sleeps are instant."""
    transport = StubTransport(list(answers))
    http = OmsHttpClient(base_url=BASE_URL, api_key=API_KEY, transport=transport)
    exchange = OmsCcxtExchange(api_key=API_KEY, account_id=account_id, http_client=http, **keywords)
    exchange._sleep = lambda seconds: None
    return exchange, transport


def results(*fields: Mapping[str, Any]) -> dict[str, Any]:
    """A response to commands; each of ``fields`` overrides a default done result."""
    defaults = {"ok": True, "command_id": 1, "order_id": 42, "error": None, "status": "done"}
    return {"results": [{"index": index, **defaults, **each} for index, each in enumerate(fields)]}


def failure(code: str, **fields: Any) -> dict[str, Any]:
    """The body of an error response."""
    return {"detail": {"code": code, "message": f"{code}, in a sentence", **fields}}


ORDER: Mapping[str, Any] = {
    "id": 42,
    "command_id": 1,
    "account_id": 7,
    "symbol": "BTC/USDT",
    "side": "buy",
    "order_type": "limit",
    "status": "PARTIALLY_FILLED",
    "state": "PARTIALLY_FILLED",
    "client_order_id": "mine-1",
    "qty": "0.3",
    "price": "100.5",
    "stop_loss": "90",
    "stop_gain": "120",
    "filled_qty": "0.1",
    "avg_fill_price": "100.1",
    "created_at": "2026-02-25T20:00:00.123456Z",
    "updated_at": "2026-02-25T20:00:01.500000Z",
    "last_fill_at": "2026-02-25T20:00:01.250000Z",
    "time_in_force": "GTC",
    "post_only": False,
    "reduce_only": False,
    "trigger_price": None,
    "fee": "0.0001",
    "fee_currency": "BTC",
}
DEAL: Mapping[str, Any] = {
    "id": 9,
    "order_id": 42,
    "position_id": 3,
    "symbol": "BTC/USDT",
    "side": "buy",
    "qty": "0.1",
    "price": "100.1",
    "fee": "0.0001",
    "fee_currency": "BTC",
    "liquidity": "taker",
    "created_at": "2026-02-25T20:00:02Z",
    "executed_at": "2026-02-25T20:00:01.250000Z",
}
POSITION: Mapping[str, Any] = {
    "id": 3,
    "symbol": "BTC/USDT",
    "side": "buy",
    "qty": "0.1",
    "avg_price": "100.1",
    "stop_loss": "90",
    "stop_gain": None,
    "state": "open",
    "opened_at": "2026-02-25T20:00:01.250000Z",
    "updated_at": "2026-02-25T20:00:02Z",
    "realized_pnl": "0",
    "unrealized_pnl": "0.5",
    "mark_price": "105.1",
}
