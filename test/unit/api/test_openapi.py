"""The OpenAPI document: it tells of every route, under names that stay, with shapes that hold."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kit import contract
from oms.api.app import served
from oms.api.openapi.document import OPERATIONS, build
from oms.wire.codes import CODES
from oms.wire.timeline import PHASES

NAMES = Path(__file__).parent.parent.parent / "anchors" / "operation_ids.txt"
KEYS = {
    "Account": contract.ACCOUNT,
    "CacheCleared": contract.CACHE_CLEARED,
    "Command": contract.COMMAND,
    "Deal": contract.DEAL,
    "Dispatcher": contract.DISPATCHER,
    "Event": contract.EVENT,
    "Health": contract.HEALTH,
    "Mt5Deal": contract.MT5_DEAL,
    "Mt5Order": contract.MT5_ORDER,
    "Mt5Position": contract.MT5_POSITION,
    "Mt5Result": contract.MT5_COMMAND,
    "Order": contract.ORDER,
    "Position": contract.POSITION,
    "RawOrder": contract.RAW | {"client_order_id"},
    "RawTrade": contract.RAW | {"exchange_trade_id"},
    "Reconciled": contract.RECONCILED,
    "StrategySwitch": contract.STRATEGY_SWITCH,
    "Switched": contract.SWITCHED,
    "Timeline": contract.TIMELINE,
    "Version": contract.VERSION,
    "CommandResult": contract.RESULT,
    "ErrorDetail": contract.ERROR,
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of all routes that are served."""
    return build("0.0.0", served())


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each operation."""
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            yield path, method, told


def test_every_route_is_told_of(document: dict[str, Any]) -> None:
    told = {(method, path) for path, method, _ in operations(document)}
    assert told == {(method.lower(), path) for method, path in served()}


def test_names_stay(document: dict[str, Any]) -> None:
    names = [told["operationId"] for _, _, told in operations(document)]
    known = [operation.name for operation in OPERATIONS]
    assert sorted(known) == NAMES.read_text(encoding="ascii").split()
    assert set(names) <= set(known)
    assert len(set(known)) == len(known)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in known)


@pytest.mark.parametrize("name", sorted(KEYS))
def test_rows_hold_the_keys_of_the_contract(document: dict[str, Any], name: str) -> None:
    shape = document["components"]["schemas"][name]
    assert set(shape["required"]) == KEYS[name]


def test_shapes_are_sound(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    used = set(re.findall(r"#/components/(\w+)/([\w-]+)", str(document)))
    assert len(used) > 50
    for kind, name in used:
        assert name in document["components"][kind], name
    timeline = schemas["Timeline"]["properties"]["items"]["items"]["properties"]
    assert {phase for phase, _ in PHASES.values()} <= set(timeline["phase"]["enum"])


def test_examples_are_what_they_show(document: dict[str, Any]) -> None:
    bodies = [told["requestBody"] for _, _, told in operations(document) if "requestBody" in told]
    assert len(bodies) > 20
    for body in bodies:
        (media,) = body["content"].values()
        schema = {"components": document["components"], **media["schema"]}
        Draft202012Validator(schema).validate(media["example"])


def test_what_goes_wrong_is_told(document: dict[str, Any]) -> None:
    refused = document["components"]["responses"]
    assert {int(name.removeprefix("Refused")) for name in refused} == {
        kind.status for kind in CODES.values()
    }
    for path, method, told in operations(document):
        assert told["summary"]
        assert "500" in told["responses"]
        assert any(status < "300" for status in told["responses"])
        if told["security"]:
            assert {"401", "403", "429", "503"} <= set(told["responses"]), path
        if method != "get":
            assert {"409", "413", "422"} <= set(told["responses"]), path
        names = re.findall(r"\{(\w+)\}", path)
        given = {param["name"] for param in told["parameters"] if param["in"] == "path"}
        assert given == set(names)
