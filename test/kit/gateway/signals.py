"""Signals of a test, stored as the gateway stores them: a row and its command."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from kit.databases.sql import execute, fetch_rows
from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until
from oms.domain.commands.actor import SYSTEM_ACTOR, Actor
from oms.domain.money import decimal_text
from oms.domain.signals.signal import (
    ExecuteSignal,
    SignalAction,
    SignalKind,
    SignalRules,
    Sizing,
    SizingKind,
)
from oms.domain.value import evolve
from oms.ports.command_queue import NewCommand, Submission
from oms.ports.notifier import Topic
from oms.wire.commands.command_codec import command_type_of, encode_payload, payload_fingerprint
from oms.wire.json import loads

RULES = SignalRules(sizing=Sizing(kind=SizingKind.QTY, value=Decimal(1)))
_COLUMNS = ("status", "reason_code", "reason", "command_ids", "order_ids", "position_id")


@dataclass
class SignalSender:
    """Stores signals for the account of a trader, and reads what became of them."""

    trader: PaperTrader
    dsn: str
    rules: SignalRules = RULES
    actor: Actor = SYSTEM_ACTOR
    #: Strategy of the source; 0: the whole account.
    strategy_id: int = 0
    signal_ids: list[int] = field(default_factory=list)

    async def store(self, action: str, **changes: Any) -> int:
        """Store a signal and its command in one; returns the signal's id."""
        (signal_id,) = await self.store_all([(action, changes)])
        return signal_id

    async def store_all(self, signals: list[tuple[str, dict[str, Any]]]) -> list[int]:
        """Store signals in this order, in one transaction."""
        store, commands, payloads = self.trader.gateway.store, [], []
        await store.ids.ensure("signal", len(signals))
        await store.ids.ensure("command", len(signals))
        now = self.trader.clock.now()
        for action, changes in signals:
            payload = ExecuteSignal(
                signal_id=store.ids("signal"),
                source_id=5,
                kind=SignalKind.TRADE,
                symbol=SYMBOL,
                action=SignalAction(action),
                strategy_id=self.strategy_id,
                rules=self.rules,
                expires_at=now + timedelta(seconds=60),
            )
            payload = evolve(payload, **changes)
            text, kind = encode_payload(payload), command_type_of(payload)
            payloads.append(payload)
            commands.append(
                NewCommand(
                    id=store.ids("command"),
                    account_id=self.trader.account_id,
                    command_type=kind,
                    payload=text,
                    fingerprint=payload_fingerprint(kind, text),
                    actor=self.actor,
                    created_at=now,
                    request_id=f"oms:signal:{payload.signal_id}",
                )
            )
        _insert_rows(self.dsn, self.trader.account_id, payloads, commands)
        ids = [payload.signal_id for payload in payloads]
        await store.queue.enqueue([Submission(commands=commands)])
        self.trader.gateway.worker.notifier.notify(Topic.COMMANDS, [each.id for each in commands])
        self.signal_ids += ids
        return ids

    async def ended(self, signal_id: int) -> dict[str, Any]:
        """The row of a signal once it has ended."""

        async def row() -> dict[str, Any]:
            return self.row(signal_id)

        return await poll_until(row, lambda each: each["status"] != "queued", 10)

    def row(self, signal_id: int) -> dict[str, Any]:
        """The row of a signal."""
        query = f"SELECT {', '.join(_COLUMNS)} FROM signals WHERE id = {signal_id}"
        ((*values,),) = fetch_rows(self.dsn, query)
        found = dict(zip(_COLUMNS, values, strict=True))
        for name in ("command_ids", "order_ids"):
            found[name] = loads(found[name] or "[]")
        return found

    async def send(self, action: str, **changes: Any) -> dict[str, Any]:
        """Store a signal and return its row once it has ended."""
        return await self.ended(await self.store(action, **changes))

    async def exposure(self) -> list[str]:
        """Signed quantities of the open positions, oldest first."""
        path = f"/oms/positions/open?account_ids={self.trader.account_id}"
        found = await self.trader.gateway.client.get(path, key=self.trader.key)
        rows = sorted(found["items"], key=lambda row: int(row["id"]))
        return [("" if row["side"] == "buy" else "-") + row["qty"] for row in rows]


def _insert_rows(
    dsn: str, account_id: int, payloads: list[ExecuteSignal], commands: list[NewCommand]
) -> None:
    """Insert the row of each signal, as its receipt does."""
    columns = "id, group_signal_id, source_id, payload_hash, kind, account_id, strategy_id"
    more = "symbol, action, price, command_ids, raw_json, received_at"
    received = f"(SELECT created_at FROM accounts WHERE id = {account_id})"
    rows = []
    for each, command in zip(payloads, commands, strict=True):
        ids = f"{each.signal_id}, {each.signal_id}, {each.source_id}"
        scope = f"'', '{each.kind.value}', {account_id}, {each.strategy_id}"
        price = "NULL" if each.signal_price is None else f"'{decimal_text(each.signal_price)}'"
        terms = f"'{each.symbol}', '{each.action.value}', {price}, '[{command.id}]'"
        rows.append(f"({ids}, {scope}, {terms}, '{{}}', {received})")
    execute(dsn, f"INSERT INTO signals ({columns}, {more}) VALUES {', '.join(rows)}")
