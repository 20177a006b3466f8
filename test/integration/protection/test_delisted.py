"""Positions in a symbol that the exchange does not list any more: nothing acts, nothing fails."""

from collections.abc import Mapping
from typing import Any

import pytest

from kit.gateway.in_process import ADMIN_KEY, now
from kit.gateway.paper_trader import SYMBOL, PaperTrader
from kit.polling import poll_until
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.instrument import Instrument
from oms.ports.audit_log import AuditContext

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


@pytest.mark.parametrize(("position_mode", "extra"), [("hedge", "")])
async def test_what_cannot_be_valued_is_refused(
    trader: PaperTrader, monkeypatch: pytest.MonkeyPatch
) -> None:
    position_id, short = await trader.open("2"), await trader.open("1", "sell")
    sent = {"symbol": SYMBOL, "side": "buy", "order_type": "limit", "qty": "1", "price": "90"}
    resting = (await trader.run("send_order", **sent))["order_id"]
    opening = next(row["id"] for row in await trader.orders() if row["position_id"] == position_id)
    (deal,) = await trader.deals(position_id)
    context = AuditContext(actor="test", at=now())
    strategies = trader.gateway.api_context.administer.strategies
    strategy = await strategies.create("other", None, [trader.account_id], context)
    _delist(monkeypatch)
    for command, payload in (
        ("close_by", {"position_id_a": position_id, "position_id_b": short}),
        ("merge_positions", {"source_position_id": short, "target_position_id": position_id}),
        ("change_order", {"order_id": resting, "new_price": "91"}),
        ("change_order", {"order_id": resting, "stop_loss": "80"}),
    ):
        refused = await trader.answer(command, **payload)
        assert refused.detail["results"][0]["error"]["code"] == "instrument_not_supported", command
    client = trader.gateway.client
    moved = {
        "account_id": trader.account_id,
        "order_ids": [opening],
        "target_strategy_id": strategy,
    }
    answer = await client("POST", "/oms/reassign?wait_ms=8000", moved, key=trader.key)
    assert answer.detail["code"] == "instrument_not_supported", answer.body
    for entity, row in (
        ("positions", {"id": position_id, "qty": "1"}),
        ("deals", {"id": deal["id"], "price": "99"}),
    ):
        items = [{"op": "update", "row": row}]
        answer = await client("POST", f"/admin/oms/{entity}/mutate", items, key=ADMIN_KEY)
        assert answer.detail["code"] == "instrument_not_supported", answer.body
    await trader.run("cancel_order", order_id=resting)


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
