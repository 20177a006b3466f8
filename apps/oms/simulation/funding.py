"""Funding: at 00:00, 08:00 and 16:00 UTC longs pay shorts, or the reverse.

Each position remembers until when it has paid, so each time is settled once, however many were
missed: at the mark price that was known when the engine's clock passed it. Where no price is known
yet, it is settled with the first that is told.
"""

from datetime import datetime
from decimal import Decimal

from oms.domain.money import ZERO, difference, product, rounded, total
from oms.domain.value import evolve
from oms.simulation.contracts import AS_SET, MarginMode
from oms.simulation.costs import worth
from oms.simulation.dues import EVERY, due_by
from oms.simulation.facts import FundingPaid
from oms.simulation.inputs import (
    BookSeen,
    CandleSeen,
    FundingSeen,
    Input,
    MarkSeen,
    PrintSeen,
    QuoteSeen,
)
from oms.simulation.matching import market_of
from oms.simulation.memory import Memory, PaperPosition
from oms.simulation.sheet import Sheet


def next_funding(memory: Memory) -> datetime | None:
    """When a position pays next; ``None`` where none is open, or no price of it is known."""
    times = [
        due_by(position.funded_at) + EVERY
        for position in memory.positions.values()
        if position.funded_at is not None and position.symbol in memory.markets
    ]
    return min(times, default=None)


def fund(sheet: Sheet, input: Input) -> None:
    """Settle the funding times that have passed, the oldest first, before ``input`` is heard."""
    due = due_by(sheet.at)
    late = [
        (position.funded_at, key, position)
        for key, position in sheet.positions.items()
        if position.funded_at is not None and position.funded_at < due
    ]
    if not late:
        return
    moment = due_by(min(since for since, _, _ in late)) + EVERY
    marks = {key[0]: _mark(sheet, key[0], input) for _, key, _ in late}
    while moment <= due:
        for since, key, _ in sorted(late, key=lambda each: each[1]):
            mark = marks[key[0]]
            if mark is not None and since < moment:
                _pay(sheet, sheet.positions[key], mark, moment)
        moment += EVERY


def see_funding(sheet: Sheet, news: FundingSeen) -> None:
    """Another rate, from the next funding time on."""
    terms = sheet.contracts.get(news.symbol, AS_SET)
    if terms.funding_rate != news.rate:
        sheet.put_terms(news.symbol, evolve(terms, funding_rate=news.rate))


def _pay(sheet: Sheet, position: PaperPosition, mark: Decimal, moment: datetime) -> None:
    """− signed quantity × mark × rate; of an isolated position it moves the margin."""
    instrument, symbol = sheet.instruments[position.symbol], position.symbol
    terms = sheet.contracts.get(symbol, AS_SET)
    rate = sheet.settings.funding_rate if terms.funding_rate is None else terms.funding_rate
    amount = rounded(product(worth(instrument, position.qty, mark), rate).copy_negate())
    margin = position.margin
    if amount:
        sheet.credit(instrument.settle, amount)
        sheet.pools.add(instrument.settle)
        sheet.facts.append(
            FundingPaid(
                funding_id=f"f-{symbol}-{position.leg}-{moment:%Y%m%dT%H}",
                symbol=symbol,
                leg=position.leg,
                amount=amount,
                currency=instrument.settle,
                rate=rate,
                mark=mark,
                at=moment,
            )
        )
        if sheet.settings.margin_mode_of(terms) is MarginMode.ISOLATED:
            margin = max(total(margin, amount), ZERO)
            sheet.lock(instrument.settle, difference(margin, position.margin))
    after = evolve(position, margin=margin, funded_at=moment)
    sheet.put_position((symbol, position.leg), after)


def _mark(sheet: Sheet, symbol: str, input: Input) -> Decimal | None:
    """The mark price before the input; without one, what the input tells."""
    market = sheet.markets.get(symbol)
    if market is not None and market.mark_price is not None:
        return market.mark_price
    match input:
        case QuoteSeen() | BookSeen() if input.symbol == symbol:
            return market_of(input).mark_price
        case MarkSeen() | PrintSeen() if input.symbol == symbol:
            return input.price
        case CandleSeen() if input.symbol == symbol:
            return input.open
    return None
