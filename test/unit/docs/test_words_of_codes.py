"""The web desk has words for every code that the gateway sends, in each language."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from oms.domain.ledger.correction import CORRECTION_REASON
from oms.domain.orders.execution_report import ReportSource
from oms.domain.orders.external_order import EXTERNAL_REASON, FORCED_REASONS
from oms.domain.orders.order_pair import OCO
from oms.domain.protection.levels import StopKind
from oms.domain.reconcile.discrepancy import DiscrepancyPolicy
from oms.services.signals.opening_order import _ORDER_REASONS
from oms.wire.responses import order_timeline
from oms.wire.signals.source_requests import POSTED_KINDS

ROOT = Path(__file__).resolve().parents[3]
LANGUAGES = ("en", "pt-BR", "es")
_NAMED = re.compile(r"^  (\w+): \{\n(.*?)^  \},", re.M | re.S)
_KEY = re.compile(r"^    (\w+): \"[^\"]", re.M)


def _audit_actions() -> Iterator[str]:
    """Actions that the code writes: first arguments of `entry`, and arguments named `action`."""
    for path in sorted((ROOT / "apps" / "oms").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from (each for each in _written_by(node) if each is not None)


def _written_by(call: ast.Call) -> Iterator[str | None]:
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name == "entry" and call.args:
        yield _text(call.args[0])
    if name == "_entry" and len(call.args) > 1:
        yield _text(call.args[1])
    if name != "add_argument":
        yield from (_text(each.value) for each in call.keywords if each.arg == "action")


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


CODES = {
    "policy": {each.value for each in DiscrepancyPolicy},
    "phase": {
        *order_timeline._ORDER,
        *(phase for phase, _ in order_timeline.PHASES.values()),
        *(phase for phase, _ in order_timeline._NAMED.values()),
        *order_timeline._ENDS.values(),
    },
    "source": {*order_timeline._SOURCES, *(each.value for each in ReportSource)},
    "reason": {
        *(each.value for each in StopKind),
        *FORCED_REASONS,
        *_ORDER_REASONS.values(),
        *(CORRECTION_REASON, EXTERNAL_REASON, OCO),
        *("api", "manual", "admin", "signal", "funding", "merged"),
        *("close_by_internal", "reduce_only"),
    },
    "audit": {
        *_audit_actions(),
        *(f"{each.value}_signal" for each in POSTED_KINDS),
        *("change_signal_source", "rotate_signal_source"),
        *("discrepancy_apply", "discrepancy_dismiss"),
    },
}


def test_the_audit_actions_of_the_code_are_found() -> None:
    assert {"login", "set_permission", "deadman_arm", "risk_policy"} <= CODES["audit"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_word(language: str) -> None:
    path = ROOT / "apps" / "web" / "src" / "locales" / language / "codes.ts"
    text = path.read_text(encoding="utf-8")
    words = {name: set(_KEY.findall(body)) for name, body in _NAMED.findall(text)}
    missing = {kind: sorted(codes - words.get(kind, set())) for kind, codes in CODES.items()}
    assert {kind: codes for kind, codes in missing.items() if codes} == {}
