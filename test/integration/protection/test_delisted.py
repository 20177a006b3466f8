"""Positions in a symbol that the exchange does not list any more: nothing acts, nothing fails."""

from collections.abc import Mapping
from typing import Any

import pytest

from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.instrument import Instrument

COMMANDS: Mapping[str, Mapping[str, Any]] = {
    "close_position": {},
    "break_even": {},
    "reverse_position": {},
    "position_change": {"stop_loss": "80"},
}


@pytest.fixture(params=["emulated", "native"])
def extra(request: pytest.FixtureRequest) -> str:
    return f',"protection_mode":"{request.param}"'


@pytest.fixture
def position_mode() -> str:
    """Orders at the exchange stand for levels of netting positions only."""
    return "netting"


def _delist(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = PaperExchange.instruments

    def without(exchange: PaperExchange) -> Mapping[str, Instrument]:
        return {name: each for name, each in listed(exchange).items() if name != SYMBOL}

    monkeypatch.setattr(PaperExchange, "instruments", without)
    monkeypatch.setattr(PaperExchange, "quote", lambda *_args: None)


async def test_levels_rest_until_it_is_listed_again(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    position_id = await trader.open("2", stop_loss="90")
    await trader.look()
    with monkeypatch.context() as patched:
        _delist(patched)
        await trader.look()
        states = trader.gateway.worker.processor.states
        state = states[trader.account_id]
        trader.clock.advance(11)
        await trader.look()
        assert states[trader.account_id] is state, "the account was loaded again after an error"
        (stale,) = await trader.events("stop_price_stale")
        assert stale["symbol"] == SYMBOL
        for command, payload in COMMANDS.items():
            refused = await trader.answer(command, position_id=position_id, **payload)
            assert refused.detail["results"][0]["error"]["code"] == "instrument_not_supported"
        await trader.look()
        assert states[trader.account_id] is state
    await trader.price("89")
    assert (await trader.closed(position_id))["close_reason"] == "sl"


async def test_a_flatten_names_it_as_remaining(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    position_id = await trader.open("2")
    _delist(monkeypatch)
    body = {"scope": "account", "scope_id": str(trader.account_id), "mode": "flatten"}
    answer = await trader.gateway.client(
        "POST", "/risk/kill", body | {"comment": "delisted"}, key=trader.key
    )
    assert answer.status == 200, answer.body
    trader.clock.advance(61)
    (report,) = await poll_until(lambda: trader.events("flatten_report"), bool, 5)
    assert (report["remaining"], report["closed"]) == ([position_id], [])
