"""Comparison of currency totals at the exchange with spot positions and deposits in the ledger.

Only currencies that spot instruments have as *base* and no instrument has as quote or settle
currency are compared: prices, profits and fees change the totals of other currencies independently
of positions.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from oms.domain.instrument import Instrument, InstrumentKind
from oms.domain.ledger.deal import Deal, DealType, signed_quantity
from oms.domain.ledger.dust import DUST_PREFIX
from oms.domain.ledger.position import Position
from oms.domain.money import ZERO, add, decimal_text, multiply, subtract
from oms.domain.value import value

SMALL_DIFFERENCE_USDT = Decimal(1)
"""Differences worth up to this amount in USDT are accepted without a decision."""

_ONE_BP = Decimal("0.0001")


@value
class BalanceDifference:
    """Totals of one currency at the exchange and in the ledger."""

    currency: str
    exchange_total: Decimal
    book_total: Decimal

    @property
    def amount(self) -> Decimal:
        """Return the excess at the exchange."""
        return subtract(self.exchange_total, self.book_total)

    def is_small(self, price: Decimal | None) -> bool:
        """Return whether the difference needs no decision; ``price`` of the currency in USDT, if
        known.
        """
        size = self.amount.copy_abs()
        if size <= multiply(self.exchange_total.copy_abs(), _ONE_BP):
            return True
        return price is not None and multiply(size, price) <= SMALL_DIFFERENCE_USDT

    def evidence(self) -> dict[str, str]:
        """Return both totals as text."""
        return {
            "currency": self.currency,
            "exchange_total": decimal_text(self.exchange_total),
            "book_total": decimal_text(self.book_total),
        }


def comparable_currencies(instruments: Iterable[Instrument]) -> Mapping[str, Decimal]:
    """Return the comparable currencies, each with its finest step."""
    steps: dict[str, Decimal] = {}
    money: set[str] = set()
    for each in instruments:
        money |= {each.quote, each.settle}
        if each.kind is InstrumentKind.SPOT:
            steps[each.base] = min(each.step, steps.get(each.base, each.step))
    return {currency: step for currency, step in steps.items() if currency not in money}


def is_outside_positions(deal: Deal) -> bool:
    """Return whether the deal is an execution without a position, or the bust of one."""
    return not deal.position_id and deal.type in (DealType.TRADE, DealType.CORRECTION)


def update_outside(deals: dict[int, Deal], changed: Iterable[Deal], removed: Iterable[int]) -> None:
    """Change ``deals``, those outside positions by id, as new, ``changed`` and removed deals do."""
    for deal in changed:
        if is_outside_positions(deal):
            deals[deal.id] = deal
        else:
            deals.pop(deal.id, None)
    for deal_id in removed:
        deals.pop(deal_id, None)


def coins_outside_positions(
    deals: Iterable[Deal], instruments: Mapping[str, Instrument]
) -> Mapping[str, Decimal]:
    """Return the coins by currency that ``deals`` moved beside positions.

    Sales beyond positions (and their busts) took coins that no position held; written-off dust left
    its position and stays in the balance, until such a sale takes it.
    """
    coins: dict[str, Decimal] = {}
    for deal in deals:
        instrument = instruments.get(deal.symbol)
        if instrument is None or instrument.kind is not InstrumentKind.SPOT:
            continue
        delta = signed_quantity(instrument, deal.side, deal.qty, deal.fee, deal.fee_currency)
        if deal.exchange_trade_id.startswith(DUST_PREFIX):
            delta = delta.copy_negate()
        elif not is_outside_positions(deal):
            continue
        coins[instrument.base] = add(coins.get(instrument.base, ZERO), delta)
    return coins


def balance_differences(
    positions: Iterable[Position],
    entries: Mapping[str, Decimal],
    totals: Mapping[str, Decimal],
    instruments: Mapping[str, Instrument],
    unsettled: Collection[str] = frozenset(),
) -> list[BalanceDifference]:
    """Return currencies whose total differs from positions and ``entries`` by a step or more.

    Base currencies of ``unsettled`` symbols are left out.
    """
    ledger_totals = dict(entries)
    for position in positions:
        instrument = instruments[position.symbol]
        if instrument.kind is InstrumentKind.SPOT:
            current = ledger_totals.get(instrument.base, ZERO)
            ledger_totals[instrument.base] = add(current, position.qty)
    excluded = {instruments[symbol].base for symbol in unsettled if symbol in instruments}
    result: list[BalanceDifference] = []
    for currency, step in sorted(comparable_currencies(instruments.values()).items()):
        exchange_total, ledger_total = totals.get(currency, ZERO), ledger_totals.get(currency, ZERO)
        if currency not in excluded and subtract(exchange_total, ledger_total).copy_abs() >= step:
            result.append(
                BalanceDifference(
                    currency=currency, exchange_total=exchange_total, book_total=ledger_total
                )
            )
    return result
