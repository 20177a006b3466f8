"""Raw rows of orders and trades that a reconcile pass received, stored unchanged."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oms.domain.errors import Invalid
from oms.ports.exchange import RawExchangeRow
from oms.ports.ids import IdBlocks
from oms.ports.raw_payload_reads import RawPayloadReads
from oms.ports.raw_payloads import RawOrder, RawPayload, RawTrade
from oms.services.account_state.state import AccountState
from oms.wire.json import dumps

ROWS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPayloadRecorder:
    """Selects the rows to store: those of a pass, or open orders and trades read in ccxt's shape.

    Rows that are stored already are left out.
    """

    rows: RawPayloadReads
    ids: IdBlocks

    async def __call__(
        self,
        state: AccountState,
        since: datetime,
        now: datetime,
        received: Sequence[RawExchangeRow] | None = None,
    ) -> Sequence[RawPayload]:
        """Return new versions of orders and new trades; ``received`` are the rows of the pass."""
        if received is None:
            raw_rows = await _read_rows(state, since, now)
        else:
            raw_rows = [(row.row, row.is_order) for row in received]
        encoded = [dumps(row) for row, _ in raw_rows]
        fingerprints = [hashlib.sha256(text.encode()).hexdigest() for text in encoded]
        stored_fingerprints = set(
            await self.rows.stored_fingerprints(state.account.id, fingerprints)
        )
        await self.ids.ensure("raw", len(raw_rows))
        trade_ids = {str(row["id"]) for row, is_order in raw_rows if not is_order and row.get("id")}
        used = set(await self.rows.stored_trades(state.account.id, trade_ids))
        new_rows: list[RawPayload] = []
        for (row, is_order), text, fingerprint in zip(raw_rows, encoded, fingerprints, strict=True):
            if fingerprint not in stored_fingerprints:
                stored_fingerprints.add(fingerprint)
                trade_id = None if is_order else _unique_trade_id(row, fingerprint, used)
                new_rows.append(self._row(state, row, text, fingerprint, now, trade_id))
        return new_rows

    def _row(
        self,
        state: AccountState,
        row: Mapping[str, Any],
        text: str,
        fingerprint: str,
        now: datetime,
        trade_id: str | None,
    ) -> RawPayload:
        if trade_id is not None:
            return RawTrade(
                id=self.ids("raw"),
                account_id=state.account.id,
                exchange_id=state.account.exchange_id,
                exchange_trade_id=trade_id,
                exchange_order_id=_text(row.get("order")),
                symbol=_text(row.get("symbol")) or "",
                raw=text,
                fingerprint=fingerprint,
                observed_at=now,
            )
        return RawOrder(
            id=self.ids("raw"),
            account_id=state.account.id,
            exchange_id=state.account.exchange_id,
            exchange_order_id=_text(row.get("id")),
            client_order_id=_text(row.get("clientOrderId")),
            symbol=_text(row.get("symbol")),
            raw=text,
            fingerprint=fingerprint,
            observed_at=now,
        )


def _unique_trade_id(row: Mapping[str, Any], fingerprint: str, used: set[tuple[str, str]]) -> str:
    """Return the exchange's id for its first payload; further payloads of the id get a suffix."""
    symbol, trade_id = _text(row.get("symbol")) or "", _text(row.get("id"))
    if not trade_id:
        return f"x-{fingerprint[:24]}"
    if (symbol, trade_id) in used:
        return f"{trade_id}~{fingerprint[:8]}"
    used.add((symbol, trade_id))
    return trade_id


async def _read_rows(
    state: AccountState, since: datetime, now: datetime
) -> list[tuple[Mapping[str, Any], bool]]:
    """Return open orders and trades of an exchange whose passes return no rows."""
    orders = await _call(state, "fetch_open_orders", (), now)
    first = int(since.timestamp() * 1000)
    trades = await _call(state, "fetch_my_trades", (None, first, ROWS_MAX), now)
    return [(row, True) for row in orders] + [(row, False) for row in trades]


async def _call(
    state: AccountState, func: str, args: Sequence[object], now: datetime
) -> Sequence[Mapping[str, Any]]:
    try:
        rows_read = await state.ccxt_calls.call(func, args, {}, now)
    except Invalid:  # The exchange does not support the method.
        return ()
    return rows_read if isinstance(rows_read, list) else ()


def _text(value: object) -> str | None:
    return None if value is None else str(value)
