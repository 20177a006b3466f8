"""Stored money of accounts, read in one snapshot of the database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from oms.adapters.sql.connection.database import Database
from oms.adapters.sql.connection.dialect import Dialect
from oms.adapters.sql.connection.session import Session
from oms.adapters.sql.performance.booked_sums import BookedSums, CarriedSums, Figures
from oms.adapters.sql.rows import deals, positions
from oms.domain.ledger.deal import Deal, DealType
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add
from oms.domain.performance.balances import Balance, Balances
from oms.domain.value import evolve
from oms.ports.performance.account_money import StoredMoney, SymbolResults
from oms.wire.json import loads

Key = tuple[Any, ...]
Sums = Mapping[Key, Sequence[Decimal]]
#: Deals that the exchange made; others are entries of the ledger alone.
_MOVE_MONEY = (DealType.TRADE.value, DealType.FUNDING.value, DealType.COMMISSION.value)


class SqlAccountMoney:
    """``ports.performance.account_money.AccountMoneyReads``."""

    def __init__(self, database: Database, carried: CarriedSums) -> None:
        self._database = database
        self._carried = carried

    async def __call__(self, account_ids: Sequence[int]) -> Mapping[int, StoredMoney]:
        """Return the money of accounts by id; unknown ids are left out. Raises ``Unavailable``."""
        ids = tuple(dict.fromkeys(account_ids))
        if not ids:
            return {}

        async def work(session: Session) -> _Read:
            return await _read(session, ids, self._carried)

        with self._carried.reading(ids) as read:
            found = await self._database.read_consistent(work)
            for account_id, sums in found.summed.items():
                stored = found.money[account_id]
                self._carried.keep(read, account_id, stored.seq, sums, stored.positions)
        return found.money


class _Read(NamedTuple):
    """The money of accounts, and the sums of those that had to be added up."""

    money: Mapping[int, StoredMoney]
    summed: Mapping[int, BookedSums]


async def _read(session: Session, ids: Sequence[int], carried: CarriedSums) -> _Read:
    dialect = session.dialect
    where = f"account_id IN ({dialect.params(len(ids))})"
    heads = await session.fetch(
        f"SELECT account_id, head_seq FROM account_streams WHERE {where}", ids
    )
    balances = await _balances(session, where, ids)
    dated = [account_id for account_id, each in balances.items() if each.as_of is not None]
    dealt = await _last_deals(session, dated) if dated else {}
    held = await _open_positions(session, where, ids)
    outside = await _deals_outside(session, where, ids)
    known = {account_id: carried.at(account_id, seq) for account_id, seq in heads}
    summed = await _add_up(session, [each for each, sums in known.items() if sums is None])
    money = {
        account_id: _with_sums(
            StoredMoney(
                account_id=account_id,
                seq=seq,
                balances=balances.get(account_id),
                positions=held.get(account_id, ()),
                outside=outside.get(account_id, ()),
                last_deal_at=dealt.get(account_id),
            ),
            known[account_id] or summed[account_id],
        )
        for account_id, seq in heads
    }
    return _Read(money, summed)


def _with_sums(stored: StoredMoney, sums: BookedSums) -> StoredMoney:
    results = [
        SymbolResults(symbol=symbol, profit=profit, funding=funding, realized_pnl=net)
        for symbol, (profit, funding, net) in sums.results.items()
    ]
    late = DealType.COMMISSION.value
    return evolve(
        stored,
        results=results,
        fees=_fees(sums.fees),
        late_fees=_fees({key: fee for key, fee in sums.fees.items() if key[2] == late}),
    )


def _fees(paid: Mapping[tuple[str, str, str], Decimal]) -> Mapping[tuple[str, str], Decimal]:
    """Return fees by symbol and currency."""
    fees: dict[tuple[str, str], Decimal] = {}
    for (symbol, currency, _), fee in paid.items():
        fees[symbol, currency] = add(fees.get((symbol, currency), ZERO), fee)
    return fees


async def _add_up(session: Session, ids: Sequence[int]) -> Mapping[int, BookedSums]:
    """Return the sums over all positions and deals of accounts."""
    if not ids:
        return {}
    results: dict[int, dict[str, Figures]] = {account_id: {} for account_id in ids}
    fees: dict[int, dict[tuple[str, str, str], Decimal]] = {account_id: {} for account_id in ids}
    where = f"account_id IN ({session.dialect.params(len(ids))})"
    columns = ("profit", "funding", "realized_pnl")
    sums = await _sums(session, "oms_positions", ("account_id", "symbol"), columns, where, ids)
    for (account_id, symbol), (profit, funding, net) in sums.items():
        results[account_id][symbol] = (profit, funding, net)
    keys = ("account_id", "symbol", "fee_currency", "type")
    of_positions = f"{where} AND fee IS NOT NULL AND position_id <> 0"
    paid = await _sums(session, "oms_deals", keys, ("fee",), of_positions, ids)
    for (account_id, *key), (fee,) in paid.items():
        fees[account_id][key[0], key[1], key[2]] = fee
    await _add_archived(session, results, fees, where, ids)
    return {account_id: BookedSums(results[account_id], fees[account_id]) for account_id in ids}


async def _add_archived(
    session: Session,
    results: Mapping[int, dict[str, Figures]],
    fees: Mapping[int, dict[tuple[str, str, str], Decimal]],
    where: str,
    ids: Sequence[int],
) -> None:
    """Add what is left of archived positions and deals."""
    columns, none = ("profit", "funding", "realized_pnl"), (ZERO, ZERO, ZERO)
    sums = await _sums(session, "archived_positions", ("account_id", "symbol"), columns, where, ids)
    for (account_id, symbol), amounts in sums.items():
        before = results[account_id].get(symbol, none)
        profit, funding, net = (add(*pair) for pair in zip(before, amounts, strict=True))
        results[account_id][symbol] = (profit, funding, net)
    keys = ("account_id", "symbol", "fee_currency", "type")
    paid = await _sums(session, "archived_fees", keys, ("fee",), where, ids)
    for (account_id, *key), (fee,) in paid.items():
        name = (key[0], key[1], key[2])
        fees[account_id][name] = add(fees[account_id].get(name, ZERO), fee)


async def _balances(session: Session, where: str, ids: Sequence[int]) -> Mapping[int, Balances]:
    """Return the wallets of paper accounts, and of accounts at exchanges."""
    wallets: dict[int, Balances] = {}
    query = f"SELECT account_id, state_json FROM paper_state WHERE {where}"
    for account_id, text in await session.fetch(query, ids):
        stored = loads(text)["balances"].items()
        amounts = {
            currency: _held(Decimal(free), Decimal(used)) for currency, (free, used) in stored
        }
        wallets[account_id] = Balances(amounts=amounts)
    dialect, rows = session.dialect, defaultdict[int, dict[str, tuple[Any, Balance]]](dict)
    query = f"SELECT account_id, currency, free, used, total, as_of FROM balances WHERE {where}"
    for account_id, currency, free, used, total, as_of in await session.fetch(query, ids):
        balance = Balance(
            total=dialect.decode_decimal(total),
            free=dialect.decode_optional_decimal(free),
            used=dialect.decode_optional_decimal(used),
        )
        rows[account_id][currency] = (dialect.decode_time(as_of), balance)
    for account_id, dated in rows.items():
        newest = max(at for at, _ in dated.values())  # An older row: the wallet has none any more.
        amounts = {currency: each for currency, (at, each) in dated.items() if at == newest}
        wallets[account_id] = Balances(amounts=amounts, as_of=newest)
    return wallets


def _held(free: Decimal, used: Decimal) -> Balance:
    return Balance(total=add(free, used), free=free, used=used)


async def _last_deals(session: Session, ids: Sequence[int]) -> Mapping[int, datetime]:
    """Return when the last deal that moved money at the exchange was booked, of each account."""
    dialect = session.dialect
    deal = (
        f"SELECT d.created_at FROM {dialect.with_index('oms_deals', 'ix_oms_deals_page', 'd')}"
        f" WHERE d.account_id = s.account_id AND d.type IN ({dialect.params(len(_MOVE_MONEY))})"
        " ORDER BY d.id DESC LIMIT 1"
    )
    text = (
        f"SELECT s.account_id, ({deal}) FROM account_streams s"
        f" WHERE s.account_id IN ({dialect.params(len(ids))})"
    )
    rows = await session.fetch(text, (*_MOVE_MONEY, *ids))
    return {account_id: dialect.decode_time(at) for account_id, at in rows if at is not None}


async def _open_positions(
    session: Session, where: str, ids: Sequence[int]
) -> Mapping[int, Sequence[Position]]:
    dialect = session.dialect
    table = dialect.with_index("oms_positions", "ix_oms_positions_state")
    text = (
        f"SELECT {positions.SELECTED} FROM {table} WHERE {where}"
        f" AND state IN ({positions.OPEN_STATES_SQL}) ORDER BY id"
    )
    held: dict[int, list[Position]] = defaultdict(list)
    for row in await session.fetch(text, ids):
        position = positions.position_from_row(row, dialect)
        held[position.account_id].append(position)
    return held


async def _deals_outside(
    session: Session, where: str, ids: Sequence[int]
) -> Mapping[int, Sequence[Deal]]:
    text = f"SELECT {deals.SELECTED} FROM oms_deals WHERE position_id = 0 AND {where} ORDER BY id"
    found: dict[int, list[Deal]] = defaultdict(list)
    for row in await session.fetch(text, ids):
        deal = deals.deal_from_row(row, session.dialect)
        found[deal.account_id].append(deal)
    return found


async def _sums(
    session: Session,
    table: str,
    keys: Sequence[str],
    columns: Sequence[str],
    where: str,
    values: Sequence[Any],
) -> Sums:
    """Return exact sums of decimal columns by key; SQLite would add them as binary floats."""
    dialect, names = session.dialect, ", ".join(keys)
    if dialect.sums_exactly:
        sums = ", ".join(f"SUM({column})" for column in columns)
        text = f"SELECT {names}, {sums} FROM {table} WHERE {where} GROUP BY {names}"
        rows = await session.fetch(text, values)
        return {tuple(row[: len(keys)]): tuple(row[len(keys) :]) for row in rows}
    text = f"SELECT {names}, {', '.join(columns)} FROM {table} WHERE {where}"
    return _added(await session.fetch(text, values), len(keys), dialect)


def _added(rows: Sequence[Any], key_columns: int, dialect: Dialect) -> Sums:
    totals: dict[Key, list[Decimal]] = {}
    for row in rows:
        amounts = [dialect.decode_decimal(each) for each in row[key_columns:]]
        total = totals.setdefault(tuple(row[:key_columns]), [ZERO] * len(amounts))
        for index, amount in enumerate(amounts):
            total[index] = add(total[index], amount)
    return totals
