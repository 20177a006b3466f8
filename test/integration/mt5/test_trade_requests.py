"""Each request has the return code of docs/reference/mt5.md, and each of its codes is reached."""

import pytest

import mt5_driver as mt5

from .conftest import Connect
from .retcode_cases import CASES, Case, State, documented, own_words
from .retcode_situations import SITUATIONS, Scene

MODES = ["netting", "hedge"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_retcode_is_that_of_the_page(case: Case, mode: str, connect: Connect) -> None:
    state = State(connect(mode), mode)
    case.before(state)
    fields = {"both": ("position", "position_by")}.get(case.ticket, (case.ticket,))
    request = case.request | {name: state.ticket for name in fields if name}
    result = mt5.order_send(request)
    assert result is not None, mt5.last_error()
    assert mt5.last_error() == (1, "Success")
    assert result.retcode == documented()[case.row], result
    assert result.comment
    for name, value in request.items():
        assert getattr(result.request, name) == value


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", SITUATIONS)
def test_the_retcode_of_a_situation_is_that_of_the_page(
    row: str, mode: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = SITUATIONS[row](Scene(connect, mode, monkeypatch))
    assert result is not None, mt5.last_error()
    assert result.retcode == documented()[row], result
    assert result.comment


def test_each_code_of_the_page_is_reached() -> None:
    codes, rows = documented(), {case.row for case in CASES} | SITUATIONS.keys()
    assert len(codes) > 90 and len(own_words()) > 10
    assert {codes[row] for row in rows} == set(codes.values())
    assert own_words() <= rows
