"""Converts the settings of an account to those of the simulation."""

from collections.abc import Mapping
from datetime import timedelta

from oms.domain.account import Account, FeeTierSettings, PaperSettings, PositionMode
from oms.domain.instrument import InstrumentKind
from oms.simulation.market.instruments import fees_of, paper_instruments
from oms.simulation.settings import FeeRates, FeeTier, FillModel, Latency, SimulationSettings
from oms.simulation.state.contract_overrides import MarginMode

LIVE_SOURCE = "live"
LIVE_PRICE_AGE = timedelta(seconds=10)
"""Maximum age of live prices where the settings have none."""


def simulation_settings(
    account: Account, live_age: timedelta = LIVE_PRICE_AGE
) -> SimulationSettings:
    """Returns the settings of the account's simulation; ``live_age`` limits live prices."""
    paper = account.paper
    is_hedge = account.position_mode is PositionMode.HEDGE
    return SimulationSettings(
        instruments=paper_instruments(account),
        fees=_fees(account.venue, paper),
        fee_tiers={InstrumentKind(kind): _tiers(tiers) for kind, tiers in paper.fee_tiers.items()},
        hedge=is_hedge if paper.hedge is None else paper.hedge,
        base_fee_on_buy=paper.base_fee_on_buy,
        allow_spot_short=paper.allow_spot_short,
        leverage=paper.leverage,
        margin_mode=MarginMode(paper.margin_mode),
        funding_rate=paper.funding_rate,
        impact=paper.impact,
        slippage=paper.slippage,
        spread_bps=paper.spread_bps,
        fill=FillModel(paper.fill),
        queue_prorata=paper.queue_prorata,
        partial_fill=paper.partial_fill,
        reject_rate=paper.reject_rate,
        volume_cap_pct=paper.volume_cap_pct,
        max_price_age=_age(paper.source, paper, live_age),
        price_ages={name: _age(source, paper, live_age) for name, source in paper.sources.items()},
        latency=_latency(paper),
        seed=account.id if paper.seed is None else paper.seed,
    )


def _fees(venue: str, paper: PaperSettings) -> Mapping[InstrumentKind, FeeRates]:
    """Returns the rates of the account; those of the venue's profile where it has none."""
    fees = dict(fees_of(venue))
    for kind in (InstrumentKind.SPOT, InstrumentKind.LINEAR):
        rates = fees[kind]
        fees[kind] = FeeRates(
            maker=rates.maker if paper.maker is None else paper.maker,
            taker=rates.taker if paper.taker is None else paper.taker,
        )
    return fees


def _tiers(latency: tuple[FeeTierSettings, ...]) -> tuple[FeeTier, ...]:
    return tuple(
        FeeTier(volume=each.volume, rates=FeeRates(maker=each.maker, taker=each.taker))
        for each in latency
    )


def _age(source: str, paper: PaperSettings, live_age: timedelta) -> timedelta | None:
    """Returns the account's maximum price age; without one only live prices have a limit."""
    return (
        live_age if paper.max_price_age is None and source == LIVE_SOURCE else paper.max_price_age
    )


def _latency(paper: PaperSettings) -> Latency | None:
    latency = paper.latency
    if latency is None:
        return None
    return Latency(
        decision=latency.decision, ack=latency.ack, stream=latency.stream, jitter=latency.jitter
    )
