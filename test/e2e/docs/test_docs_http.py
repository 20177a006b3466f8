"""The examples of the HTTP pages run as printed and answer with the printed keys."""

import json
import re
from collections.abc import Callable

import pytest

from kit.gateway.processes import Gateway
from kit.http.http_pages import TITLES, WITH_RUNNER, printed_answer, run_blocks, shape_differences

#: Pages that share a gateway, in an order in which each finds what its answers print.
ON_ONE_GATEWAY = (
    "operations",
    "commands",
    "reads",
    "orders",
    "groups",
    "exchanges",
    "people",
    "sessions",
    "sharing",
    "market",
    "bots",
    "control",
    "figures",
    "exports",
    "alerts",
    "notifications",
    "hours",
    "sources",
)
#: Pages that print the answers of a gateway without any orders, or without blocked accounts.
ON_A_NEW_GATEWAY = ("kill", "ccxt", "admin", "risk", "signals")


@pytest.mark.parametrize("name", ON_ONE_GATEWAY)
def test_the_examples_answer_as_printed(name: str, gateway: Gateway) -> None:
    _check_examples(name, gateway)


@pytest.mark.parametrize("name", ON_A_NEW_GATEWAY)
def test_the_examples_answer_as_printed_by_a_new_gateway(
    name: str, gateway_on: Callable[..., Gateway]
) -> None:
    _check_examples(name, gateway_on("sqlite", workers=1))


@pytest.mark.parametrize("name", WITH_RUNNER)
def test_the_examples_answer_as_printed_with_a_runner(
    name: str, gateway_on: Callable[..., Gateway]
) -> None:
    _check_examples(name, gateway_on("sqlite", workers=1, runner=True))


def test_the_examples_of_every_page_are_run() -> None:
    assert sorted(ON_ONE_GATEWAY + ON_A_NEW_GATEWAY + WITH_RUNNER) == sorted(TITLES)


def _check_examples(name: str, gateway: Gateway) -> None:
    results = run_blocks(name, gateway.folder, gateway.environment)
    compared = 0
    for example, response in results:
        printed = printed_answer(name, example)
        is_refused = printed is not None and _REFUSED in printed[1]
        assert (_REFUSED in response) is is_refused, f"refused, or printed so: {response}"
        if printed is not None:
            compared += 1
            assert _mismatch(*printed, response) == [], (
                f"{response}\nrun tools/generate_http_reference.py --record {name}"
            )
    assert compared >= 3


_REFUSED = '"ccxt_class"'


def _mismatch(language: str, printed: str, response: str) -> list[str]:
    if language == "json":
        return shape_differences(json.loads(printed), json.loads(response.splitlines()[-1]))
    names = [set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)) for text in (printed, response)]
    return sorted(names[0] ^ names[1])
