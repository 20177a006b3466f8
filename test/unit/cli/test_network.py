"""Exit statuses of HTTP responses."""

from argparse import Namespace
from typing import Any

import pytest

from oms.cli.network import _check_status
from oms.cli.output import CommandFailed

REFUSED = {"detail": {"code": "some_code", "message": "some words"}}


@pytest.mark.parametrize(
    ("status", "exit_status"),
    [(401, 3), (403, 3), (404, 4), (409, 1), (422, 2), (429, 1), (502, 1), (503, 6), (504, 5)],
)
def test_errors_have_their_exit_status(status: int, exit_status: int) -> None:
    with pytest.raises(CommandFailed) as failed:
        _check_status(Namespace(), status, REFUSED)
    assert failed.value.status == exit_status
    assert failed.value.message == "some_code: some words"
    assert failed.value.answer is REFUSED


@pytest.mark.parametrize("answer", [{"detail": "Not Found"}, [], None])
def test_unknown_error_bodies_are_reported(answer: Any) -> None:
    with pytest.raises(CommandFailed, match="404: the request failed"):
        _check_status(Namespace(), 404, answer)


def test_partly_failed_is_1_and_unfinished_is_5() -> None:
    with pytest.raises(CommandFailed) as partly:
        _check_status(Namespace(), 207, {})
    assert partly.value.status == 1
    with pytest.raises(CommandFailed) as unfinished:
        _check_status(Namespace(wait_ms=None), 202, {})
    assert unfinished.value.status == 5


def test_success_returns_the_body_unchanged() -> None:
    answer = {"results": []}
    assert _check_status(Namespace(), 200, answer) is answer
    assert _check_status(Namespace(wait_ms=0), 202, answer) is answer
