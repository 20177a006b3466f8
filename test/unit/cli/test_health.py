"""``oms health``: the report, and exit status 7 for a part that is not well."""

import argparse
from typing import Any

import pytest

from oms.cli import network
from oms.cli.output import CommandFailed

PARTS = {"database": {"ok": True}, "worker": {"ok": False}}
REPORT = {"ok": False, "status": "degraded", "parts": PARTS}


def _health(monkeypatch: pytest.MonkeyPatch, answer: Any) -> Any:
    def request(*_: object) -> Any:
        if isinstance(answer, CommandFailed):
            raise answer
        return answer

    monkeypatch.setattr(network, "request", request)
    return network.health(argparse.Namespace())


def test_a_gateway_that_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    report = {"ok": True, "status": "ok", "parts": {"database": {"ok": True}}}
    assert _health(monkeypatch, report) == report


@pytest.mark.parametrize(
    "answer", [REPORT, CommandFailed("503: the request failed", status=6, answer=REPORT)]
)
def test_a_part_that_is_not_well(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    with pytest.raises(CommandFailed) as failed:
        _health(monkeypatch, answer)
    assert (failed.value.status, failed.value.answer) == (7, REPORT)
    assert failed.value.message == "degraded: worker"


def test_a_gateway_that_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandFailed) as failed:
        _health(monkeypatch, CommandFailed("it cannot be reached", status=6))
    assert failed.value.status == 6
