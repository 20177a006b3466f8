"""The streams of the Binance dialect: what an account hears; one frame is order and trade alike.

Spot: ``/ws-api/v3``, signed in by ``userDataStream.subscribe.signature``. Contracts:
``/private/ws?listenKey=``. Streams of the market are there and say nothing.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from loopback.account import Account
from loopback.binance.asking import judge_time, key_named, signed
from loopback.binance.errors import Refusal
from loopback.binance.frames import account_frame, algo_frame, order_frame, wallet_frame
from loopback.binance.holdings import listen_key
from loopback.binance.shapes import is_conditional, is_spot
from loopback.faults import Group
from loopback.gate import Gate
from loopback.http import Request, Socket
from loopback.rows import Executed, Happening, OrderTold, PositionTold, WalletTold
from loopback.talks import Talk, Talks
from loopback.venue import Venue
from loopback.words import Json, compact, ms

SPOT, LINEAR = "/ws-api/v3", "/private/ws"
SILENT = ("/ws", "/public/ws", "/market/ws", "/stream", "/ws-fapi/v1")
USER_DATA = "userDataStream"


class Sockets:
    """All connections of the dialect."""

    def __init__(self, venue: Venue, gate: Gate, talks: Talks) -> None:
        self._venue, self._gate, self._talks = venue, gate, talks
        self._listen_keys: dict[str, str] = {}
        venue.account_ears.append(self._hear)

    def listen_key(self, key: str) -> Json:
        """A name under which a key's stream of contracts can be dialled."""
        told: Json = listen_key()
        self._listen_keys[told["listenKey"]] = key
        return told

    def has(self, request: Request) -> bool:
        """Whether there is a stream at a path."""
        if request.path == LINEAR:
            return request.params.get("listenKey") in self._listen_keys
        return request.path == SPOT or request.path in SILENT

    async def serve(self, request: Request, socket: Socket) -> None:
        """Talk until the socket is gone."""
        talk = Talk(socket, request.path)
        if request.path == LINEAR:
            talk.key = self._listen_keys[request.params["listenKey"]]
            talk.topics.add(USER_DATA)
        self._talks.open.append(talk)
        try:
            async for text in socket.texts():
                self._answer(talk, text)
        finally:
            self._talks.open.remove(talk)

    def _answer(self, talk: Talk, text: str) -> None:
        try:
            told = json.loads(text)
        except ValueError:
            return
        if not isinstance(told, dict):
            return
        answer: Json = {"id": told.get("id")}
        if talk.path != SPOT:
            talk.socket.send(compact(answer | {"result": None}))
            return
        try:
            if told.get("method") == f"{USER_DATA}.subscribe.signature":
                self._sign_in(talk, told.get("params") or {})
                answer["result"] = {"subscriptionId": 0}
            elif told.get("method") == "ping":
                answer["result"] = {}
            else:
                raise Refusal(-1120, "Unknown method.")
            answer["status"] = 200
        except Refusal as refused:
            answer |= {
                "status": refused.status,
                "error": {"code": refused.code, "msg": refused.message},
            }
        talk.socket.send(compact(answer))

    def _sign_in(self, talk: Talk, params: dict[str, Any]) -> None:
        """Whether the sorted parameters are signed. Raises ``Refusal``."""
        name = str(params.get("apiKey", ""))
        key = key_named(name, self._venue.keys)
        rest = {each: value for each, value in params.items() if each != "signature"}
        payload = "&".join(f"{each}={rest[each]}" for each in sorted(rest))
        if signed(key.secret, payload) != params.get("signature"):
            raise Refusal(-1022, "Signature for this request is not valid.")
        judge_time(params, ms(self._venue.now()) + self._gate.skew_ms)
        if self._gate.faults.take(Group.STREAM, talk.path, name, "auth_refused"):
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        talk.key = name
        talk.topics.add(USER_DATA)

    def _hear(self, account: Account, told: Sequence[Happening]) -> None:
        talks = [
            talk
            for talk in self._talks.open
            if talk.key
            and talk.path in (SPOT, LINEAR)
            and self._venue.keys[talk.key].account == account.name
        ]
        if not talks:
            return
        for path, topic, frame in _frames(account, told, ms(self._venue.now())):
            meant = [talk for talk in talks if talk.path == path]
            self._talks.deliver(topic, meant, compact(frame))


def _frames(
    account: Account, told: Sequence[Happening], now_ms: int
) -> Iterator[tuple[str, str, Json]]:
    """Path, topic and frame of each thing that happened: a fill and its order are one."""
    executed: Executed | None = None
    for each in told:
        match each:
            case Executed():
                executed = each
            case OrderTold(row=row):
                fill = None if executed is None else executed.row
                frame = order_frame(account, row, fill, now_ms)
                executed = None
                spot = is_spot(row.order.symbol)
                topic = str(frame["e"])
                yield (SPOT if spot else LINEAR), topic, _wrapped(frame, spot=spot)
                if topic == "ORDER_TRADE_UPDATE" and is_conditional(row):
                    yield LINEAR, "ALGO_UPDATE", algo_frame(account, row, now_ms)
            case WalletTold(coins=coins):
                frame = wallet_frame(coins, now_ms)
                yield SPOT, "outboundAccountPosition", _wrapped(frame, spot=True)
                yield LINEAR, "ACCOUNT_UPDATE", account_frame(coins, (), now_ms)
            case PositionTold(row=position):
                yield LINEAR, "ACCOUNT_UPDATE", account_frame((), (position,), now_ms)


def _wrapped(frame: Json, *, spot: bool) -> Json:
    return {"subscriptionId": 0, "event": frame} if spot else frame
