"""What an exchange tells of orders and trades in a sweep, kept as evidence in its own words."""

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
    """Takes the rows of a sweep, or reads open orders and trades in ccxt's shape.

    What is stored already is left out.
    """

    rows: RawPayloadReads
    ids: IdBlocks

    async def __call__(
        self,
        state: AccountState,
        since: datetime,
        now: datetime,
        seen: Sequence[RawExchangeRow] | None = None,
    ) -> Sequence[RawPayload]:
        """New versions of orders and new trades since then; ``seen`` are those of the sweep."""
        if seen is None:
            told = await _all_told(state, since, now)
        else:
            told = [(each.row, each.is_order) for each in seen]
        texts = [dumps(each) for each, _ in told]
        prints = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
        stored_fingerprints = set(await self.rows.stored_fingerprints(state.account.id, prints))
        await self.ids.ensure("raw", len(told))
        names = {str(each["id"]) for each, is_order in told if not is_order and each.get("id")}
        taken = set(await self.rows.stored_trades(state.account.id, names))
        made: list[RawPayload] = []
        for (each, is_order), text, fingerprint in zip(told, texts, prints, strict=True):
            if fingerprint not in stored_fingerprints:
                stored_fingerprints.add(fingerprint)
                name = None if is_order else _trade_name(each, fingerprint, taken)
                made.append(self._row(state, each, text, fingerprint, now, name))
        return made

    def _row(
        self,
        state: AccountState,
        each: Mapping[str, Any],
        text: str,
        fingerprint: str,
        now: datetime,
        trade_name: str | None,
    ) -> RawPayload:
        if trade_name is not None:
            return RawTrade(
                id=self.ids("raw"),
                account_id=state.account.id,
                exchange_id=state.account.exchange_id,
                exchange_trade_id=trade_name,
                exchange_order_id=_text(each.get("order")),
                symbol=_text(each.get("symbol")) or "",
                raw=text,
                fingerprint=fingerprint,
                observed_at=now,
            )
        return RawOrder(
            id=self.ids("raw"),
            account_id=state.account.id,
            exchange_id=state.account.exchange_id,
            exchange_order_id=_text(each.get("id")),
            client_order_id=_text(each.get("clientOrderId")),
            symbol=_text(each.get("symbol")),
            raw=text,
            fingerprint=fingerprint,
            observed_at=now,
        )


def _trade_name(each: Mapping[str, Any], fingerprint: str, taken: set[tuple[str, str]]) -> str:
    """The exchange's, for the first payload alone: another one of that id is kept beside it."""
    symbol, name = _text(each.get("symbol")) or "", _text(each.get("id"))
    if not name:
        return f"x-{fingerprint[:24]}"
    if (symbol, name) in taken:
        return f"{name}~{fingerprint[:8]}"
    taken.add((symbol, name))
    return name


async def _all_told(
    state: AccountState, since: datetime, now: datetime
) -> list[tuple[Mapping[str, Any], bool]]:
    """Open orders and trades of an exchange that tells no rows with its sweeps."""
    orders = await _asked(state, "fetch_open_orders", (), now)
    first = int(since.timestamp() * 1000)
    trades = await _asked(state, "fetch_my_trades", (None, first, ROWS_MAX), now)
    return [(each, True) for each in orders] + [(each, False) for each in trades]


async def _asked(
    state: AccountState, func: str, args: Sequence[object], now: datetime
) -> Sequence[Mapping[str, Any]]:
    try:
        told = await state.exchange.call(func, args, {}, now)
    except Invalid:  # an exchange that does not tell it has nothing to be kept
        return ()
    return told if isinstance(told, list) else ()


def _text(value: object) -> str | None:
    return None if value is None else str(value)
