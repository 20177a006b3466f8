"""Error objects: mapping of codes, and agreement with the reference page."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from oms.api.errors import error_detail, refusal_response
from oms.domain.errors import Refused
from oms.wire.error_codes import CODES, ErrorMapping

PAGE = Path(__file__).parent.parent.parent.parent / "docs" / "reference" / "errors.md"


def test_page_has_the_error_table() -> None:
    row = re.compile(r"\| `(\w+)` \| (\d+) \| (\w+) \| (yes|no) \| (\w+) \| (\w+) \|")
    result = {
        code: ErrorMapping(
            int(status),
            ccxt_class,
            None if mt5 == "null" else int(mt5),
            None if outcome == "null" else outcome,
            retryable == "yes",
        )
        for code, status, outcome, retryable, ccxt_class, mt5 in row.findall(
            PAGE.read_text(encoding="utf-8")
        )
    }
    assert result == dict(CODES)


def test_unknown_outcomes_are_not_retryable() -> None:
    assert not [
        code for code, kind in CODES.items() if kind.outcome == "unknown" and kind.retryable
    ]
    doubt = Refused(code="exchange_unavailable", message="", outcome="unknown")
    assert error_detail(doubt, "r")["retryable"] is False


def test_all_fields_of_a_detail() -> None:
    refused = Refused(
        code="risk_blocked",
        message="no",
        reason="kill_switch",
        limit=Decimal("1.50"),
        value=Decimal("2E+1"),
        set_by="account",
    )
    assert error_detail(refused, "r-1", command="send_order") == {
        "code": "risk_blocked",
        "message": "no",
        "request_id": "r-1",
        "outcome": "not_sent",
        "retryable": False,
        "ccxt_class": "OperationRejected",
        "mt5_retcode": 10026,
        "reason": "kill_switch",
        "limit": "1.5",
        "value": "20",
        "set_by": "account",
    }


@pytest.mark.parametrize(
    ("code", "command", "ccxt_class"),
    [
        ("qty_below_minimum", "send_order", "InvalidOrder"),
        ("qty_below_minimum", None, "BadRequest"),
        ("invalid_close_volume", "close_position", "InvalidOrder"),
        ("account_not_found", "send_order", "BadRequest"),
        ("order_not_found", "cancel_order", "OrderNotFound"),
    ],
)
def test_ccxt_class_depends_on_the_command(code: str, command: str | None, ccxt_class: str) -> None:
    result = error_detail(Refused(code=code, message=""), "r", command=command)
    assert result["ccxt_class"] == ccxt_class


@pytest.mark.parametrize(("outcome", "status"), [("rejected", 502), ("not_sent", 422)])
def test_unmapped_code(outcome: str, status: int) -> None:
    assert (
        refusal_response(Refused(code="odd", message="", outcome=outcome), "r").status_code
        == status
    )


@pytest.mark.parametrize(
    ("code", "header"),
    [
        ("rate_limited", "retry-after"),
        ("database_unavailable", "retry-after"),
        ("idempotency_in_flight", "retry-after"),
        ("missing_api_key", "www-authenticate"),
    ],
)
def test_response_headers(code: str, header: str) -> None:
    assert header in refusal_response(Refused(code=code, message=""), "r").headers
