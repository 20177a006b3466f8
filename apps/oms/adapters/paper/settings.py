"""The settings of an account as the simulation takes them."""

from oms.domain.account import Account, PositionMode
from oms.domain.instrument import Kind
from oms.simulation.instruments import fees_of, instruments_of
from oms.simulation.settings import Rates, Settings


def settings_of(account: Account) -> Settings:
    """How the account's paper exchange behaves."""
    paper = account.paper
    fees = dict(fees_of(account.venue))
    for kind in (Kind.SPOT, Kind.LINEAR):
        known = fees[kind]
        fees[kind] = Rates(
            maker=known.maker if paper.maker is None else paper.maker,
            taker=known.taker if paper.taker is None else paper.taker,
        )
    return Settings(
        instruments=instruments_of(account.venue),
        fees=fees,
        hedge=account.position_mode is PositionMode.HEDGE,
        base_fee_on_buy=paper.base_fee_on_buy,
        allow_spot_short=paper.allow_spot_short,
        leverage=paper.leverage,
    )
