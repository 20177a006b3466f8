"""Backtests over HTTP, executed by the runner's task on a real database."""

import base64
import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from kit.backtests.candles import candles_of
from kit.backtests.execution import execute_queued, store_series
from kit.backtests.golden_run import EQUITY, FIGURES, PARAMETERS, golden_candles
from kit.gateway.in_process import ADMIN_KEY, InProcessGateway
from oms.domain.market.funding_rate import FundingRate
from oms.domain.market.market_instrument import MarketInstrument
from oms.domain.value import evolve

INSTRUMENT = MarketInstrument(id=0, exchange="binance", symbol="BTC/USDT", base="BTC", quote="USDT")
REQUEST = {
    "strategy": "sma_cross",
    "params": PARAMETERS,
    "exchange": "binance",
    "symbol": "BTC/USDT",
    "timeframe": "1h",
}
NINE = Decimal(1).scaleb(-9)
Execute = Callable[[], Any]


@pytest.fixture
async def research(gateway: InProcessGateway) -> InProcessGateway:
    """A gateway with the candles of the golden run."""
    await store_series(gateway.store, golden_candles(), INSTRUMENT)
    return gateway


async def _post(gateway: InProcessGateway, **changes: object) -> Any:
    return await gateway.client("POST", "/backtests", REQUEST | changes)


async def _run(gateway: InProcessGateway, dsn: str, **changes: object) -> int:
    """Request a run and execute it; returns its id."""
    response = await _post(gateway, **changes)
    assert response.status == 202, response.body
    await execute_queued(gateway.store, dsn)
    return int(response.json()["run_id"])


async def _get(gateway: InProcessGateway, path: str, key: str | None = None) -> Any:
    response = await gateway.client("GET", path, key=key)
    assert response.status == 200, response.body
    return response.json()


def _nine(number: object) -> str:
    return str(Decimal(str(number)).quantize(NINE))


async def test_the_figures_are_the_published_ones(research: InProcessGateway, dsn: str) -> None:
    run_id = await _run(research, dsn)
    body = await _get(research, f"/backtests/{run_id}")
    assert (body["status"], body["error"], body["stale"]) == ("done", None, False)
    assert {name: _nine(body[name]) for name in FIGURES} == FIGURES
    assert (body["total_trades"], body["winning_trades"], body["win_rate"]) == (1, 0, 0)
    assert body["params"] == {"fast": 2, "slow": 4}
    assert body["settings"]["qty_step"] == "0.00000001"
    assert body["monthly_returns"][0]["month"] == 1

    trades = await _get(research, f"/backtests/{run_id}/trades")
    assert [(row["side"], row["quantity"], row["price"]) for row in trades["items"]] == [
        ("buy", "92.23300971", "103.0515"),
        ("sell", "92.23300971", "99.95"),
    ]
    assert trades["items"][0]["timestamp"] == "2024-01-01T06:00:00.000000Z"
    trips = await _get(research, f"/backtests/{run_id}/round-trips")
    assert [row["pnl"] for row in trips["items"]] == ["-304.784118936209565"]
    equity = await _get(research, f"/backtests/{run_id}/equity")
    assert not equity["sampled"]
    curve = [_nine(point["total_equity"]) for point in equity["items"]]
    assert {bar: curve[bar] for bar in EQUITY} == {bar: _nine(at) for bar, at in EQUITY.items()}


async def test_a_finished_run_is_reported_once(research: InProcessGateway, dsn: str) -> None:
    run_id = await _run(research, dsn)
    await execute_queued(research.store, dsn)
    rows = [each.row for each in await research.store.history.events({0: 0}, 100)]
    done = [row for row in rows if row.event_type == "backtest_done"]
    assert [(row.namespace, f'"run_id":{run_id}' in row.payload) for row in done] == [
        ("research", True)
    ]


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"strategy": "nothing"}, 404, "unknown_strategy"),
        ({"version": "77"}, 404, "unknown_version"),
        ({"symbol": "ETH/USDT"}, 404, "unknown_instrument"),
        ({"params": {"fast": 2, "slo": 4}}, 422, None),
        ({"params": {"fast": 5, "slow": 4}}, 422, None),
        ({"params": {"fast": True}}, 422, None),
        ({"timeframe": "4h"}, 422, "no_candles"),
        ({"timeframe": "2h"}, 422, None),
        ({"start": "2030-01-01T00:00:00Z"}, 422, "no_candles"),
        ({"start": "2024-01-01T05:00:00Z", "end": "2024-01-01T05:00:00Z"}, 422, None),
        ({"commission": "1"}, 422, None),
        ({"position_pct": "101"}, 422, None),
        ({"initial_balance": "0"}, 422, None),
        ({"stop_los_pct": "2"}, 422, None),
        ({"slippage": "-0.1"}, 422, None),
        ({"slippage": "NaN"}, 422, None),
    ],
)
async def test_bad_requests_are_refused(
    research: InProcessGateway, changes: dict[str, Any], status: int, reason: str | None
) -> None:
    response = await _post(research, **changes)
    detail = response.json()["detail"]
    assert (response.status, detail["reason"]) == (status, reason), detail
    assert not await research.store.backtests.active()


async def test_the_best_run_is_first(research: InProcessGateway, dsn: str) -> None:
    ids = {}
    for slow in (3, 4, 6):
        ids[slow] = await _run(research, dsn, params={"fast": 2, "slow": slow})
    await _post(research, start="2024-01-01T04:00:00Z")
    ranked = await _get(research, "/backtests?sort=total_return_pct&limit=2")
    returns = [row["total_return_pct"] for row in ranked["items"]]
    assert returns == sorted(returns, reverse=True)
    rest = await _get(
        research, f"/backtests?sort=total_return_pct&limit=2&cursor={ranked['next_cursor']}"
    )
    assert [row["status"] for row in rest["items"]] == ["done", "queued"]
    assert rest["next_cursor"] is None
    assert len({row["run_id"] for row in ranked["items"] + rest["items"]}) == 4
    newest = await _get(research, "/backtests?status=done")
    assert [row["run_id"] for row in newest["items"]] == [ids[6], ids[4], ids[3]]
    assert (await _get(research, "/backtests?symbol=ETH/USDT"))["items"] == []


async def test_other_users_see_nothing_but_administrators_do(
    research: InProcessGateway, dsn: str
) -> None:
    run_id = await _run(research, dsn)
    other = await research.add_key("other", "oms_another-trader-for-tests")
    assert (await _get(research, "/backtests", other))["items"] == []
    for path in ("", "/trades", "/equity"):
        response = await research.client("GET", f"/backtests/{run_id}{path}", key=other)
        assert response.status == 404
    assert (await research.client("DELETE", f"/backtests/{run_id}", key=other)).status == 404
    assert len((await _get(research, "/backtests", ADMIN_KEY))["items"]) == 1


async def test_what_is_queued_is_canceled_and_what_has_ended_removed(
    research: InProcessGateway, dsn: str
) -> None:
    run_id = (await _post(research)).json()["run_id"]
    first = await research.client("DELETE", f"/backtests/{run_id}")
    assert first.json() == {"ok": True, "run_id": run_id, "status": "canceled"}
    await execute_queued(research.store, dsn)
    assert (await _get(research, f"/backtests/{run_id}"))["status"] == "canceled"
    response = await research.client("GET", f"/backtests/{run_id}/trades")
    assert (response.status, response.json()["detail"]["reason"]) == (422, "no_result")
    again = await research.client("DELETE", f"/backtests/{run_id}")
    assert again.json()["status"] == "removed"
    assert (await research.client("GET", f"/backtests/{run_id}")).status == 404


async def test_runs_are_compared(research: InProcessGateway, dsn: str) -> None:
    one = await _run(research, dsn)
    other = await _run(research, dsn, commission="0")
    body = await _get(research, f"/backtests/compare?ids={other},{one}")
    assert [row["run_id"] for row in body["items"]] == [other, one]
    assert body["differences"] == [
        {"name": "settings.commission", "values": ["0", "0.001"]},
    ]
    assert body["curves"][0]["points"][0]["equity"] == 100
    for ids in (f"{one}", "", f"{one},{one}", "1,2,3,4,5,6,7", "x,1"):
        assert (await research.client("GET", f"/backtests/compare?ids={ids}")).status == 422
    assert (await research.client("GET", f"/backtests/compare?ids={one},99999")).status == 404


async def test_only_roles_of_research_request_backtests(research: InProcessGateway) -> None:
    reader = await research.add_key("reader", "oms_a-reader-for-tests-only", role="readonly")
    response = await research.client("POST", "/backtests", REQUEST, key=reader)
    assert response.status == 403
    assert (await _get(research, "/backtests", reader))["items"] == []


GRID = {"fast": "1:3:1", "slow": [3, 4, 6]}


def _sweep_request(**changes: object) -> dict[str, object]:
    request: dict[str, object] = {name: each for name, each in REQUEST.items() if name != "params"}
    return request | {"grid": GRID, "where": ["fast<slow"], "sort": "total_return_pct"} | changes


async def _sweep(gateway: InProcessGateway, dsn: str, **changes: object) -> Any:
    response = await gateway.client("POST", "/backtests/sweep", _sweep_request(**changes))
    assert response.status == 202, response.body
    await execute_queued(gateway.store, dsn)
    return await _get(gateway, f"/backtests/{response.json()['run_id']}")


async def test_a_sweep_ranks_all_combinations(research: InProcessGateway, dsn: str) -> None:
    body = await _sweep(research, dsn)
    assert (body["kind"], body["status"], body["error"]) == ("sweep", "done", None)
    assert (body["sweep"]["combinations"], body["sweep"]["failed"]) == (8, 0)
    path = f"/backtests/{body['run_id']}/combinations"
    first = await _get(research, f"{path}?limit=5")
    rest = await _get(research, f"{path}?limit=5&cursor={first['next_cursor']}")
    rows = first["items"] + rest["items"]
    returns = [row["total_return_pct"] for row in rows]
    assert len(rows) == 8 and returns == sorted(returns, reverse=True)
    assert body["sweep"]["best"] == {name: rows[0][name] for name in ("number", "params")}
    golden = next(row for row in rows if row["params"] == PARAMETERS)
    assert _nine(golden["sharpe_ratio"]) == FIGURES["sharpe_ratio"]
    single = await _get(research, f"/backtests/{await _run(research, dsn)}")
    assert body["hashes"]["data"] == single["hashes"]["data"]
    assert (await research.client("GET", f"/backtests/{body['run_id']}/trades")).status == 422


async def test_a_failing_combination_is_a_row_with_its_error(
    research: InProcessGateway, dsn: str
) -> None:
    body = await _sweep(research, dsn, where=[])
    assert (body["sweep"]["combinations"], body["sweep"]["failed"]) == (9, 1)
    rows = (await _get(research, f"/backtests/{body['run_id']}/combinations"))["items"]
    assert (rows[-1]["params"], rows[-1]["total_return_pct"]) == ({"fast": "3", "slow": "3"}, None)
    assert "fast must be less than slow" in rows[-1]["error"]


async def test_folds_choose_on_the_past(research: InProcessGateway, dsn: str) -> None:
    body = await _sweep(research, dsn, folds=2)
    folds = body["sweep"]["unseen"]
    assert [fold["start"][:13] for fold in folds] == ["2024-01-01T04", "2024-01-01T08"]
    assert body["sweep"]["unseen_return_pct"] is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"grid": {}},
        {"grid": {"fast": "1:2000:1", "slow": "1:2000:1"}},
        {"grid": {"speed": "1:3:1"}},
        {"params": {"fast": 2}},
        {"where": ["fast ~ slow"]},
        {"where": ["slow<fast"], "grid": {"fast": [1], "slow": [2]}},
        {"sort": "expectancy"},
        {"folds": 51},
    ],
)
async def test_bad_sweeps_are_refused(
    research: InProcessGateway, changes: dict[str, object]
) -> None:
    response = await research.client("POST", "/backtests/sweep", _sweep_request(**changes))
    assert response.status == 422, response.body
    assert not await research.store.backtests.active()


@pytest.mark.parametrize("count", [1, 30])
async def test_flat_prices_give_finite_figures_or_null(
    gateway: InProcessGateway, dsn: str, count: int
) -> None:
    candles = candles_of([("100", "100", "100", "100")] * count)
    await store_series(gateway.store, candles, INSTRUMENT)
    run_id = await _run(gateway, dsn)
    for path in ("", "/trades", "/round-trips", "/equity"):
        response = await gateway.client("GET", f"/backtests/{run_id}{path}")
        json.loads(response.body, parse_constant=pytest.fail)
    body = await _get(gateway, f"/backtests/{run_id}")
    assert (body["total_trades"], body["max_drawdown"]) == (0, 0)
    for name in ("win_rate", "sharpe_ratio", "sortino_ratio", "profit_factor", "expectancy"):
        assert body[name] is None


async def test_the_report_allows_no_script(research: InProcessGateway, dsn: str) -> None:
    run_id = await _run(research, dsn)
    response = await research.client("GET", f"/backtests/{run_id}/report")
    page, headers = response.body.decode(), dict(response.headers)
    style = page.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'"
    assert headers["content-security-policy"] == policy
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page and "-304.78" in page


async def test_a_contract_pays_the_funding_that_is_stored(
    gateway: InProcessGateway, dsn: str
) -> None:
    perpetual = evolve(INSTRUMENT, symbol="BTC/USDT:USDT", market_type="swap")
    contract = await store_series(gateway.store, golden_candles(), perpetual)
    at = golden_candles()[8].open_time
    request = {"symbol": "BTC/USDT:USDT", "risk_preset": "open"}
    body = await _get(gateway, f"/backtests/{await _run(gateway, dsn, **request)}")
    assert body["funding_paid"] is None
    before = Decimal(body["final_balance"])
    rates = [FundingRate(at=at, rate=Decimal("0.001"))]
    counts = await gateway.store.funding_rates.upsert(contract.id, rates)
    assert (counts.inserted, counts.updated, counts.unchanged) == (1, 0, 0)
    body = await _get(gateway, f"/backtests/{await _run(gateway, dsn, **request)}")
    # The close before 08:00 is 106; 92.23300971 are held.
    assert body["funding_paid"] == "9.77669902926"
    assert Decimal(body["final_balance"]) == before - Decimal("9.77669902926")
    assert _nine(body["total_trades"]) == _nine(1)


async def test_a_preset_refuses_entries_beyond_its_limits(
    research: InProcessGateway, dsn: str
) -> None:
    body = await _get(research, f"/backtests/{await _run(research, dsn, risk_preset='standard')}")
    assert (body["total_trades"], body["settings"]["risk_preset"]) == (0, "standard")
    assert [row["reason"] for row in body["refused"]] == ["max_capital_pct"]
    allowed = {"risk_preset": "standard", "position_pct": "9"}
    body = await _get(research, f"/backtests/{await _run(research, dsn, **allowed)}")
    assert (body["total_trades"], body["refused"]) == (1, [])
