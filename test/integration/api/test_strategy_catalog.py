"""``GET /strategies/catalog`` over HTTP."""

import pytest
from jsonschema import Draft202012Validator

from kit.gateway.in_process import InProcessGateway


async def test_the_catalogue_has_the_schema_of_each_strategy(gateway: InProcessGateway) -> None:
    items = (await gateway.client("GET", "/strategies/catalog")).json()["items"]
    rows = {row["name"]: row for row in items}
    assert list(rows) == ["hma_sma", "sma_cross", "rsi"]
    for row in items:
        Draft202012Validator.check_schema(row["parameters"])
        defaults = {name: one["default"] for name, one in row["parameters"]["properties"].items()}
        assert not [*Draft202012Validator(row["parameters"]).iter_errors(defaults)]
        assert (await gateway.client("GET", f"/strategies/catalog/{row['name']}")).json() == row
    assert rows["sma_cross"]["timeframe"] is None
    assert rows["sma_cross"]["warmup"] == {"base": 51}
    assert (rows["hma_sma"]["timeframe"], rows["hma_sma"]["higher"]) == ("5m", ["1h", "4h"])
    assert rows["hma_sma"]["warmup"]["4h"] >= 213


@pytest.mark.parametrize("name", ["none", "RSI", "rsi%20", "%F0%9F%98%80", "x" * 500])
async def test_an_unknown_strategy_is_not_replaced(gateway: InProcessGateway, name: str) -> None:
    response = await gateway.client("GET", f"/strategies/catalog/{name}")
    detail = response.json()["detail"]
    assert (response.status, detail["code"]) == (404, "not_found")
    assert detail["reason"] == "unknown_strategy"
