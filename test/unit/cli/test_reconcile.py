"""Tests the exit status of ``oms reconcile``."""

import json

import pytest

from oms.cli import network
from oms.cli.main import main


@pytest.mark.parametrize(
    ("failed", "status", "message"),
    [((), 0, ""), ((1, 3), 1, "oms: not reconciled: 1, 3\n")],
)
def test_accounts_that_were_not_reconciled_are_an_error(
    failed: tuple[int, ...],
    status: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [{"account_id": number, "ok": number not in failed} for number in (1, 2, 3)]
    answer = {"ok": not failed, "results": rows}
    monkeypatch.setattr(network, "request", lambda *_args: answer)

    try:
        main(["reconcile"])
        code = 0
    except SystemExit as ended:
        assert isinstance(ended.code, int | None)
        code = ended.code or 0

    shown = capsys.readouterr()
    assert (code, shown.err) == (status, message)
    assert json.loads(shown.out) == answer
