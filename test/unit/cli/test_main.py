"""The parser and entry point of the command line."""

import os
import resource
import shlex
import subprocess
import sys
from typing import Any

import pytest

from oms.cli.main import main, parser
from oms.cli.parsers import alert_parser, deadman_parser, figures_parser, risk_parser
from oms.cli.parsers.position_parser import ORDER_TYPES
from oms.domain.orders.order_types import ORDER_TYPE_NAMES
from oms.domain.protection.price_alerts import AlertCondition
from oms.domain.risk import policy_keys
from oms.domain.risk.deadman import DeadmanAction
from oms.services.performance import trade_results
from oms.wire import parameters
from oms.wire.commands import oms_switch_requests, risk_policy_requests

HELP_CPU_SECONDS_MAX = 0.3
HEAVY = ("sqlalchemy", "fastapi", "ccxt", "pydantic", "uvicorn", "alembic", "websockets")
COMMANDS = {
    "install": "--with-account --exchange-id paper.binance --label a --position-mode netting",
    "create-user": "--name a --role risk --password-stdin",
    "create-api-key": "--user-id 1 --label a --expires-at 2030-01-01 --ip-allowlist ::1",
    "set-api-key-status": "--api-key-id 1 --disabled --comment x",
    "add-account": "--user-id 1 --exchange-id paper.binance --label a --can-risk-manage",
    "up": "--host 127.0.0.1 --port 9000 --demo",
    "demo": "--port 9000 --seed 3 --days 5 --fresh --home var/demo",
    "api": "--port 9000",
    "worker": "--accounts 1,2 --name w",
    "runner": "--name r",
    "set-account-testnet": "--account-id 1 --enabled",
    "generate-master-key": "--into-file",
    "encrypt": "--value-file a",
    "upsert-account-credentials": "--account-id 1 --secret-stdin --api-key-file a --encrypt-input",
    "rotate-master-key": "--drop-old --yes",
    "db": "upgrade",
    "doctor": "--account-id 1",
    "exchange": "show ccxtpro.bybit --environment testnet --json",
    "backup": "--out a",
    "archive": "restore --folder a --archive-id 101 --yes",
    "restore": "--in a --yes",
    "deadman": "arm --account-ids 1 --timeout-seconds 60 --action cancel_entries",
    "sessions": "revoke --session-id 3",
    "kill": "on --scope account --id 1 --mode halt --comment x",
    "market": "session AAPL --at 2025-07-15T13:30:00Z",
    "sink": "add --name a --kind webhook --url-file u --secret-stdin --events deal_created",
    "source": "add --name a --kind trade --account-id 1 --sizing qty 2 --generate-secret --reverse",
    "backtest": "run --csv a --timeframe 1h --strategy rsi --param period=7 --no-curve",
    "strategy": "check rsi --csv a --timeframe 1h --param period=7",
    "instruments": "add --exchange binance --symbol A/B --session us_equity --min-qty 1",
    "candles": "import a.csv --exchange binance --symbol A/B --timeframe 1M",
    "bot": "create --name a --strategy rsi --param period=7 --account-id 1 --strategy-id 1"
    " --symbols A/B --timeframe 1h --sizing qty 1 --mode observe",
    "alert": "add --account-id 1 --symbol A/B --condition crosses --price 2 --note x",
    "risk": "set --strategy-id 1 max_order_notional 500 --comment x",
    "audit": "checkpoint --out a",
    "verify": "--account-id 1 --from-seq 5 --checkpoint a",
    "smoke": "risk-size --base-url http://127.0.0.1:9000 --timeout 5",
    "replay": "--account-id 1 --until 2026-01-01 --symbol A/B --write-to a --json",
    "paper": "run script.jsonl --save a --load b --tapes c --facts",
    "send-order": "--account-id 1 --symbol A/B --side buy --order-type limit --qty 1 --price 2",
    "preview": "--account-id 1 --symbol A/B --side buy --order-type market --qty 1",
    "send-oco": "--account-id 1 --symbol A/B --side sell --qty 1 --limit-price 3 --trigger-price 2",
    "change-order": "--account-id 1 --order-id 2 --new-price 3 --new-qty 4",
    "cancel-order": "--account-id 1 --order-id 2",
    "cancel-all": "--account-id 1 --symbol A/B --strategy-ids 1 2 --comment x",
    "change-position": "--account-id 1 --position-id 2 --stop-loss 9 --max-hold-seconds none",
    "break-even": "--account-id 1 --position-id 2 --comment x",
    "reverse-position": "--account-id 1 --position-id 2 --comment x",
    "close-position": "--account-id 1 --position-id 2 --qty 1 --comment x",
    "close-by": "--account-id 1 --position-id-a 2 --position-id-b 3 --qty 1",
    "reassign-position": "--account-id 1 --order-ids 2 3 --target-strategy-id 4 --deal-ids",
    "create-strategy": "--name a --account-ids 1 2 --client-strategy-id 3",
    "reconcile": "--account-ids 1 2 --scope period --start-date 2026-01-01 --symbols-hint A/B",
    "reconcile-status": "--account-id 1 --status stale --stale-after-seconds 5",
    "dispatcher-status": "",
    "list-strategies": "",
    "orders-open": "--account-ids 1,2 --strategy-id 3 --limit 10",
    "positions-open": "--account-ids 1",
    "balance": "--account-ids 1,2",
    "ticker": "--symbol A/B --account-id 1",
    "watch": "--account-ids 1,2",
    "account-groups": "--name both --members 1=1 2=0.5 --by-equity",
    "order-lineage": "--order-id 7",
    "orders-history": "--account-ids 1 --start-date 2026-01-01 --end-date 2026-01-02",
    "deals": "--account-ids 1 --days-back 3 --page 2 --page-size 50",
    "positions-history": "--account-ids 1",
    "portfolio": "--account-ids 1",
    "stats": "--account-ids 1 --strategy-id 2 --symbol A/B --exchange binance --group-by day",
    "exit-report": "--account-ids 1",
    "execution-report": "--account-ids 1 --symbol A/B --since 0 --group-by strategy",
    "health": "",
    "healthz": "",
    "list-accounts": "--timeout 3 --base-url http://127.0.0.1:1 --api-key x --json",
}


@pytest.mark.parametrize(
    "verb",
    [
        "hash --account-id 1",
        "price --symbol A/B --price 1 --account-id 2 --bid-qty 1 --ask-qty 2",
        "price --symbol A/B --bid 1 --ask 2",
        "deposit --account-id 1 --currency USDT --amount -5 --comment x",
        "reset --account-id 1 --comment x",
    ],
)
def test_paper_verbs_have_their_flags(verb: str) -> None:
    assert callable(parser().parse_args(["paper", *verb.split()]).run)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_have_their_flags(command: str) -> None:
    parsed = parser().parse_args([command, *COMMANDS[command].split()])
    assert parsed.command == command
    assert callable(parsed.run)


@pytest.mark.parametrize("line", ["positions-open --wide", "deals --wide --days-back 3"])
def test_account_ids_may_be_left_out(line: str) -> None:
    parsed = parser().parse_args(line.split())
    assert parsed.wide and not parsed.account_ids


def test_every_command_is_tested() -> None:
    known: Any = next(a for a in parser()._actions if a.dest == "command")
    assert set(known.choices) == set(COMMANDS)


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "send-order",
        "create-user",
        "db sideways",
        "add-account --user-id x",
        "up --port a",
        "set-account-testnet --account-id 1",
        "set-account-testnet --account-id 1 --enabled --disabled",
        "create-user --name a --password x --password-stdin",
        "reconcile --scope sideways",
        "create-strategy --name a --account-ids",
        "restore",
        "kill up",
        "send-order --account-id 1 --symbol A/B --side up --order-type market --qty 1",
        "close-position --account-id 1 --position-id 2 --order-type unknown",
        "risk show",
        "risk set max_order_notional 500 --comment x",
        "risk show --account-id 1 --global",
    ],
)
def test_invalid_usage_exits_with_2_and_one_line(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (complaint,) = shown.err.splitlines()
    assert complaint.startswith("oms: ") and complaint.endswith("--help)")


@pytest.mark.parametrize(
    ("line", "hint"),
    [("snd-order", "did you mean 'send-order'?"), ("paper prize", "did you mean 'price'?")],
)
def test_an_unknown_command_is_answered_with_a_near_one(
    line: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(line.split())
    assert hint in capsys.readouterr().err


def _verbs(known: Any, words: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return the parsers of all commands that run something, by their words."""
    groups = [action.choices for action in known._actions if action.dest in ("command", "verb")]
    if not groups:
        return {words: known}
    return {
        found: each
        for name, inner in groups[0].items()
        for found, each in _verbs(inner, (*words, name)).items()
    }


VERBS = _verbs(parser())


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_command_has_help_and_a_valid_example(words: tuple[str, ...]) -> None:
    command = VERBS[words]
    assert command.description
    for action in command._actions:
        assert action.help, f"{words} {action.dest} has no help text"
    (line,) = [line for line in command.epilog.splitlines() if line.startswith("  oms ")]
    example = shlex.split(line)[1:]
    assert tuple(example[: len(words)]) == words
    assert callable(parser().parse_args(example).run)


def test_the_types_of_orders_are_those_of_the_domain() -> None:
    assert set(ORDER_TYPES) == set(ORDER_TYPE_NAMES)


def test_the_presets_are_those_of_the_domain() -> None:
    assert tuple(policy_keys.PRESETS) == risk_parser.PRESETS
    assert tuple(AlertCondition) == alert_parser.CONDITIONS
    assert oms_switch_requests.KINDS == risk_parser.SWITCH_KINDS
    assert risk_policy_requests.RESETTABLE == risk_parser.RESETTABLE
    assert tuple(DeadmanAction) == deadman_parser.ACTIONS


def test_the_groups_of_statistics_are_those_of_the_service_and_of_the_route() -> None:
    assert tuple(trade_results.GROUPS) == figures_parser.GROUPS
    assert list(figures_parser.GROUPS) == parameters.GROUP_BY.schema["enum"]


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, 130), (BrokenPipeError, 1)])
def test_interrupt_prints_no_traceback(
    error: type[BaseException], status: int, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    def interrupted(parsed: object) -> None:
        raise error

    monkeypatch.setattr("oms.cli.network.read_plain", interrupted)
    monkeypatch.setattr("os.dup2", lambda ours, theirs: None)
    with pytest.raises(SystemExit) as ended:
        main(["healthz"])
    assert ended.value.code == status
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("line", ["--help", "send-order --help", "exchange show ccxtpro.bybit"])
def test_a_closed_pipe_prints_no_traceback(line: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "oms", *line.split()]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode in (0, 1)


def test_bug_output_has_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(parsed: object) -> None:
        raise RuntimeError("mysql://oms:hidden@host and oms_0123456789abcdefghij")

    monkeypatch.setattr("oms.cli.network.read_plain", broken)
    with pytest.raises(SystemExit):
        main(["healthz"])
    said = capsys.readouterr().err
    assert "hidden" not in said and "0123456789" not in said


def test_bug_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(parsed: object) -> None:
        raise ZeroDivisionError("in\ntwo lines")

    monkeypatch.setattr("oms.cli.network.read_plain", broken)
    monkeypatch.delenv("OMS_LOG_LEVEL", raising=False)
    with pytest.raises(SystemExit) as ended:
        main(["healthz"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "oms: ZeroDivisionError: in two lines\n"


def test_help_is_fast_and_imports_little() -> None:
    look = f"""
import sys
from oms.cli.main import main
try:
    main(["--help"])
except SystemExit as ended:
    assert not ended.code
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(f"loaded: {{loaded}}" if loaded else 0)
"""
    best = min(_cpu_seconds([sys.executable, "-c", look]) for _ in range(3))
    assert best < HELP_CPU_SECONDS_MAX


def _cpu_seconds(line: list[str]) -> float:
    """Return the processor time of a command in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(line, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stderr
    assert "send-order" in done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
