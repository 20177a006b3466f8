"""Compares the executions of a backtest with the deals of its replay."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest

from oms.domain.side import Side
from oms.domain.value import value


@value
class ComparedDeal:
    """A deal by what has to be equal; price and fee in quote."""

    at: datetime
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal


@value
class DealDifference:
    """The first place at which run and replay differ; ``None``: there is no such deal."""

    number: int
    run: ComparedDeal | None
    replay: ComparedDeal | None


def first_difference(
    run: Sequence[ComparedDeal], replay: Sequence[ComparedDeal]
) -> DealDifference | None:
    """Return the first difference, numbered from 1; ``None`` if all deals are equal."""
    pairs = enumerate(zip_longest(run, replay), start=1)
    return next((DealDifference(number=n, run=a, replay=b) for n, (a, b) in pairs if a != b), None)
