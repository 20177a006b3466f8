"""The OpenAPI document: all routes, stable operation ids, valid schemas."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kit.http import wire_keys
from oms.api.app import served_routes
from oms.api.openapi.document import build_document
from oms.wire.error_codes import CODES
from oms.wire.responses.order_timeline import PHASES

NAMES = Path(__file__).parent.parent.parent / "anchors" / "operation_ids.txt"
KEYS = {
    "Account": wire_keys.ACCOUNT,
    "CacheCleared": wire_keys.CACHE_CLEARED,
    "Command": wire_keys.COMMAND,
    "Deal": wire_keys.DEAL,
    "Dispatcher": wire_keys.DISPATCHER,
    "Event": wire_keys.EVENT,
    "Health": wire_keys.HEALTH,
    "Mt5Deal": wire_keys.MT5_DEAL,
    "Mt5Order": wire_keys.MT5_ORDER,
    "Mt5Position": wire_keys.MT5_POSITION,
    "Mt5Result": wire_keys.MT5_COMMAND,
    "Order": wire_keys.ORDER,
    "MarkedPosition": wire_keys.MARKED_POSITION,
    "RawOrder": wire_keys.RAW | {"client_order_id"},
    "RawTrade": wire_keys.RAW | {"exchange_trade_id"},
    "Reconciled": wire_keys.RECONCILED,
    "StrategySwitch": wire_keys.STRATEGY_SWITCH,
    "Switched": wire_keys.RISK_FLAG_CHANGE,
    "Timeline": wire_keys.TIMELINE,
    "Version": wire_keys.VERSION,
    "CommandResult": wire_keys.RESULT,
    "ErrorDetail": wire_keys.ERROR,
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of all served routes."""
    return build_document("0.0.0", served_routes())


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each operation."""
    for path, methods in document["paths"].items():
        for method, result in methods.items():
            yield path, method, result


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    result = {(method, path) for path, method, _ in operations(document)}
    assert result == {
        (method.lower(), route.path) for route in served_routes() for method in route.methods
    }


def test_operation_ids_are_stable(document: dict[str, Any]) -> None:
    names = [result["operationId"] for _, _, result in operations(document)]
    assert sorted(names) == NAMES.read_text(encoding="ascii").split()
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_rows_have_the_keys_of_the_contract(document: dict[str, Any], name: str) -> None:
    shape = document["components"]["schemas"][name]
    assert set(shape["required"]) == KEYS[name]


def test_schemas_are_valid(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    used = set(re.findall(r"#/components/(\w+)/([\w-]+)", str(document)))
    assert len(used) > 50
    for kind, name in used:
        assert name in document["components"][kind], name
    step = schemas["TimelineStep"]["properties"]
    assert {phase for phase, _ in PHASES.values()} <= set(step["phase"]["enum"])


def test_examples_match_their_schemas(document: dict[str, Any]) -> None:
    bodies = [
        result["requestBody"] for _, _, result in operations(document) if "requestBody" in result
    ]
    assert len(bodies) > 20
    for body in bodies:
        (media,) = body["content"].values()
        schema = {"components": document["components"], **media["schema"]}
        Draft202012Validator(schema).validate(media["example"])


def test_error_responses_are_documented(document: dict[str, Any]) -> None:
    refused = document["components"]["responses"]
    assert {int(name.removeprefix("Refused")) for name in refused} == {
        kind.status for kind in CODES.values()
    }
    for path, method, result in operations(document):
        assert " ".join(result["description"].split()).startswith(result["summary"])
        assert "500" in result["responses"]
        assert any(status < "300" for status in result["responses"])
        if result["security"]:
            assert {"401", "403", "429", "503"} <= set(result["responses"]), path
        if method != "get":
            assert {"409", "413", "422"} <= set(result["responses"]), path
        names = re.findall(r"\{(\w+)\}", path)
        given = {param["name"] for param in result["parameters"] if param["in"] == "path"}
        assert given == set(names)
