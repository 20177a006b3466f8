"""Every command once, as a process: its documented keys, and no secret in any output."""

import gzip
import json
import re
import stat
from collections.abc import Mapping
from typing import Any

import pytest

from kit.databases.sql import fetch_rows
from kit.gateway.command_line_session import (
    SYMBOL,
    CommandLineSession,
    SessionSecrets,
    read_master_keys,
    run_session,
)
from kit.gateway.processes import Gateway
from kit.gateway.shell import CompletedCommand
from kit.http.client import call
from kit.http.wire_keys import BOT, DEADMAN, DELIVERY, SINK
from oms.cli.main import parser

#: Keys of a command's output, as documented in docs/reference/cli.md.
KEYS = {
    "install": {"ok", "schema_files", "user", "api_key", "account", "admin"},
    "create-user": {"ok", "user_id", "name", "role", "created"},
    "create-api-key": {"ok", "user_id", "api_key_id", "api_key", "label"},
    "set-api-key-status": {"ok", "api_key_id", "status", "rows"},
    "add-account": {
        *("ok", "account_id", "user_id", "exchange_id", "label"),
        *("risk_preset", "limits_needing_equity"),
    },
    "set-account-testnet": {"ok", "account_id", "is_testnet", "rows"},
    "generate-master-key": {"ok", "key_id", "file", "created"},
    "encrypt": {"encrypted"},
    "upsert-account-credentials": {"ok", "account_id", "stored"},
    "rotate-master-key": {
        *("ok", "key_id", "key_ids", "resealed", "verified", "unreadable", "dropped")
    },
    "db upgrade": {"ok", "from", "to", "applied"},
    "db status": {"version", "pending"},
    "doctor": {"ok", "checks"},
    "exchange show": {
        *("exchange_id", "engine", "venue", "environment", "name", "ccxt", "capabilities")
    },
    "backup": {"ok", "file", "rows"},
    "restore": {"ok", "file", "rows"},
    "archive list": {"items"},
    "audit checkpoint": {"ok", "file", "chains"},
    "verify": {"ok", "accounts"},
    "smoke risk-size": {"ok", "account_id", "preset", "removed", "checks"},
    "replay": {
        *("ok", "account_id", "until", "compared", "orders", "deals", "positions", "differences")
    },
    "send-order": {"results"},
    "change-order": {"results"},
    "cancel-order": {"results"},
    "cancel-all": {"results"},
    "balance": {"ok", "items"},
    "ticker": {"ok", "result"},
    "backtest run": {
        *("ok", "strategy", "version", "params", "settings", "hashes", "final_balance"),
        *("total_trades", "trades", "round_trips", "equity_curve", "metrics", "data_gaps"),
    },
    "backtest strategies": {"items"},
    "strategy list": {"items", "errors", "loaded_at"},
    "strategy check": {
        *("ok", "strategy", "version", "code_hash", "candles", "samples", "decisions")
    },
    "backtest list": {"items", "next_cursor"},
    "backtest show": {"run_id", "status", "params", "settings", "hashes", "final_balance", "sweep"},
    "backtest report": {"ok", "run_id", "html"},
    "backtest compare": {"items", "differences", "curves"},
    "backtest sweep": {
        *("ok", "strategy", "version", "settings", "sort", "combinations", "done", "failed"),
        *("interrupted", "items"),
    },
    "instruments add": {"ok", "instrument"},
    "instruments load": {"ok", "inserted", "unchanged", "items"},
    "instruments list": {"items"},
    "candles fetch": {"ok", "items"},
    "candles import": {"ok", "fetched", "inserted", "updated", "unchanged", "invalid", "gaps"},
    "candles gaps": {"ok", "missing", "gaps"},
    "candles resample": {"ok", "items"},
    "candles coverage": {"items"},
    "market session": {"symbol", "session", "at", "open", "next_open", "next_close"},
    "market override": {"id", "session", "date", "closed", "open", "close", "comment"},
    "market overrides": {"items"},
    "market restore": {"ok", "id"},
    "sink add": set(SINK),
    "sink list": {"items"},
    "sink test": set(DELIVERY),
    "sink deliveries": {"items", "next_before_id"},
    "sink disable": set(SINK),
    "sink enable": set(SINK),
    **{f"bot {name}": set(BOT) for name in ("create", "show", "start", "restart", "stop")},
    "bot list": {"items"},
    "bot figures": {"items"},
    "bot logs": {"items", "next_before_id"},
    "bot delete": {"ok", "bot_id"},
    "source add": {"ok", "source", "path_token", "secret"},
    "source list": {"items"},
    "source test": {
        *("ok", "account_ids", "symbol", "action", "order_type", "price", "qty", "stale", "risk"),
    },
    "source rotate": {"ok", "source", "path_token", "secret"},
    "source disable": {"ok", "source"},
    "source enable": {"ok", "source"},
    "change-position": {"results"},
    "portfolio": {"items", "total", "report_currency", "as_of"},
    "stats": {"total_positions", "closed_positions", "winrate", "total_pnl", "groups"},
    "exit-report": {"states", "items"},
    "execution-report": {"orders", "measured_orders", "slippage", "groups"},
    "close-position": {"results"},
    "close-by": {"results"},
    "break-even": {"detail"},
    "send-oco": {"results"},
    "preview": {"results"},
    "reverse-position": {"results"},
    "reassign-position": {
        *("ok", "deals_updated", "orders_updated", "deals_total", "orders_total"),
        *("preview", "page", "page_size", "items"),
    },
    "create-strategy": {"ok", "strategy_id"},
    "list-strategies": {"items"},
    "list-accounts": {"items"},
    "dispatcher-status": {"ok", "result"},
    "health": {
        *("ok", "service", "status", "environment", "broker_mode", "oms_enabled"),
        *("live_trading_allowed", "database_url", "parts"),
    },
    "healthz": {"status", "app", "env", "db_engine"},
    "reconcile": {"ok", "account_ids", "triggered_count", "results"},
    "reconcile-status": {"items"},
    "orders-open": {"items", "total", "page", "page_size"},
    "positions-open": {"items", "total", "page", "page_size"},
    "account-groups": {"items"},
    "order-lineage": {"order_id", "commands", "orders", "deals", "positions"},
    "orders-history": {"items", "total", "page", "page_size"},
    "deals": {"items", "total", "page", "page_size"},
    "positions-history": {"items", "total", "page", "page_size"},
    "kill on": {*("ok", "scope", "id", "mode", "on", "kill_ids", "through", "report", "would")},
    "kill off": {"ok", "scope", "id", "mode", "on", "kill_ids", "through"},
    "risk set": {"ok", "scope", "scope_id", "limits", "unreadable", "command_id"},
    "risk show": {"ok", "scope", "scope_id", "limits", "unreadable", "command_id"},
    "risk preset": {"ok", "scope", "scope_id", "limits", "unreadable", "command_id"},
    **{f"deadman {verb}": set(DEADMAN) for verb in ("arm", "beat", "disarm")},
    "deadman list": {"items"},
    "sessions list": {"items"},
    "sessions revoke": {"ok", "revoked"},
    "risk disable": {"ok", "oms_enabled", "switches", "changed", "report"},
    "risk switch": {"ok", "oms_enabled", "switches"},
    "risk enable": {"ok", "oms_enabled", "switches", "changed", "report"},
    "risk reset": {
        *("ok", "account_id", "key", "high_water", "currency", "reset_at", "command_id"),
    },
    "alert add": {"ok", "alert", "command_id"},
    "alert list": {"items"},
    "alert remove": {"ok", "alert_id", "command_id"},
    "risk usage": {"account_id", "items", "unreadable"},
    "risk check": {"ok", "status", "qty", "price", "reduce_only", "refusal"},
    "paper hash": {"ok", "account_id", "hash"},
    "paper run": {"ok", "hash", "lines", "facts", "at"},
    "paper price": {"ok"},
    "paper deposit": {"ok"},
    "paper reset": {"ok"},
}
#: The gateway under test is ``oms up``, which runs these. ``watch`` and ``demo`` run until Ctrl-C:
#: test/integration/cli/test_demo.py runs ``demo``.
PROCESSES = {"up", "api", "worker", "runner", "watch", "demo"}


@pytest.fixture(scope="module")
def gateway(supervised_gateway: Gateway) -> Gateway:
    """A gateway that prints its key at the start."""
    return supervised_gateway


@pytest.fixture(scope="module")
def story(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> CommandLineSession:
    """A session in which all commands were run."""
    return run_session(gateway, tmp_path_factory.mktemp("other"))


def test_every_command_was_run(story: CommandLineSession) -> None:
    commands: Any = next(a for a in parser()._actions if a.dest == "command")
    assert set(commands.choices) - PROCESSES == {name.split()[0] for name in story.answers}


@pytest.mark.parametrize("command", KEYS)
def test_an_answer_has_its_documented_keys(command: str, story: CommandLineSession) -> None:
    assert KEYS[command] <= set(story.answers[command])


def test_no_other_command_was_run(story: CommandLineSession) -> None:
    assert set(story.answers) == set(KEYS)


def test_the_parts_of_an_installation(story: CommandLineSession) -> None:
    installed = story.answers["install"]
    assert set(installed["user"]) == {"id", "name"}
    assert set(installed["api_key"]) == {"id", "plain", "label"}
    parts = {"id", "exchange_id", "label", "position_mode", "is_testnet"}
    assert set(installed["account"]) == parts
    assert set(installed["admin"]) == {"user_id", "name", "api_key_id", "api_key"}


def test_a_chosen_key_trades_on_the_account_it_was_made_with(story: CommandLineSession) -> None:
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"}
    account_id = story.answers["install"]["account"]["id"]
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    key = story.secrets.install_key
    status, answer, _ = call(story.gateway, "POST", "/oms/commands", body, key=key)
    assert (status, answer["results"][0]["status"]) == (200, "done")


def test_an_account_keeps_its_environment_from_the_first_order_on(
    story: CommandLineSession,
) -> None:
    assert story.answers["set-account-testnet"]["is_testnet"] is True
    traded = f"--account-id={story.gateway.account_id}"
    story.shell.run("set-account-testnet", traded, "--enabled", status=1)
    story.shell.run("set-account-testnet", "--account-id=987654", "--disabled", status=4)


def test_the_key_file_is_its_owner_s_alone(story: CommandLineSession) -> None:
    assert stat.S_IMODE((story.gateway.data_folder / "master.key").stat().st_mode) == 0o600


def test_a_restored_database_holds_the_same_rows(story: CommandLineSession) -> None:
    assert story.answers["restore"]["rows"] == story.answers["backup"]["rows"]
    assert story.answers["restore"]["rows"]["oms_deals"] > 0


def test_the_doctor_finds_no_problem(story: CommandLineSession) -> None:
    doctor = story.answers["doctor"]
    assert doctor["ok"], doctor
    names = [check["name"] for check in doctor["checks"]]
    assert names == ["config", "database", "migrations", "keys", "clock", "worker", "exchange"]


def test_the_password_that_was_piped_in_logs_in(story: CommandLineSession) -> None:
    body = {"user_name": "ann", "password": story.secrets.password}
    status, answer, _ = call(story.gateway, "POST", "/auth/login-password", body)
    assert status == 200, answer
    story.secrets.master_keys.append(answer["token"])


def test_secrets_are_typed_unseen_at_a_terminal(story: CommandLineSession) -> None:
    account = f"--account-id={story.gateway.account_id}"
    words = ("upsert-account-credentials", account)
    shown = story.shell.at_terminal(*words, typed=["", story.secrets.typed_secret, ""])
    assert "Secret" in shown and story.secrets.typed_secret not in shown
    assert "api_key_enc: true" in _plain(shown)


def test_the_smoke_check_leaves_nothing_that_trades(story: CommandLineSession) -> None:
    smoke = story.answers["smoke risk-size"]
    outcomes = [check["outcome"] for check in smoke["checks"]]
    assert (smoke["ok"], outcomes) == (True, ["accepted", "max_size_per_position_exceeded"])
    assert _left_of_smoke(story) == {smoke["account_id"]: ("blocked", "disabled", 0)}


def test_the_smoke_check_fails_where_the_gateway_decides_otherwise(
    story: CommandLineSession,
) -> None:
    admin = ("--comment=a test", f"--api-key={story.gateway.admin_api_key}")
    story.shell.run("risk", "disable", *admin)
    failed = story.shell.run("smoke", "risk-size", status=7).answer
    story.shell.run("risk", "enable", *admin, "--yes")
    assert [check["outcome"] for check in failed["checks"]] == ["kill_switch", "kill_switch"]
    story.shell.run("smoke", "risk-size", status=6, OMS_BASE_URL="http://127.0.0.1:1")
    assert set(_left_of_smoke(story).values()) == {("blocked", "disabled", 0)}
    assert len(_left_of_smoke(story)) == 3


def _left_of_smoke(story: CommandLineSession) -> dict[int, tuple[str, str, int]]:
    """Return status, status of the key and number of open positions of each account it made."""
    dsn = story.gateway.dsn
    accounts = fetch_rows(dsn, "SELECT id, status FROM accounts WHERE label LIKE 'smoke-%'")
    user = "SELECT id FROM users WHERE name = 'smoke'"
    keys = fetch_rows(dsn, f"SELECT status FROM user_api_keys WHERE user_id = ({user})")
    held = "SELECT count(*) FROM oms_positions WHERE state = 'OPEN' AND account_id = "
    return {
        account_id: (status, key[0], fetch_rows(dsn, f"{held}{account_id}")[0][0])
        for (account_id, status), key in zip(accounts, keys, strict=True)
    }


def _plain(shown: str) -> str:
    """Return terminal output without styles."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def test_a_terminal_shows_tables(story: CommandLineSession) -> None:
    shown = _plain(story.shell.at_terminal("list-accounts")).splitlines()
    assert re.match(r"account +label", shown[0])
    assert any("paper-hedge" in line for line in shown[1:3])
    checks = _plain(story.shell.at_terminal("doctor"))
    assert re.search(r"name +ok", checks)


def test_what_cannot_be_undone_is_asked_for(story: CommandLineSession) -> None:
    before = read_master_keys(story.gateway)
    story.shell.run("rotate-master-key", "--drop-old", status=2)
    shown = story.shell.at_terminal("rotate-master-key", "--drop-old", typed=["n"], status=1)
    assert "nothing was done" in shown
    assert "dropped: []" in _plain(
        story.shell.at_terminal("rotate-master-key", "--drop-old", typed=["yes"])
    )
    assert read_master_keys(story.gateway) == before
    refused = story.shell.run("restore", "--in=copy.gz", "--yes", status=1)
    assert "a worker uses this database" in refused.err


def test_failures_print_no_secret(story: CommandLineSession) -> None:
    """Commands that fail with a secret as argument."""
    hidden, shell = story.secrets, story.shell
    account = f"--account-id={story.gateway.account_id}"
    piped = {"stdin": f"{hidden.exchange_key}\n{hidden.exchange_secret}\n"}
    both = ("--api-key-stdin", "--secret-stdin")
    shell.run("upsert-account-credentials", "--account-id=987654", *both, status=4, **piped)
    shell.run("upsert-account-credentials", account, *both, status=1, OMS_MASTER_KEY="x", **piped)
    shell.run("create-user", "--name=eve", "--password-stdin", status=2, stdin="short\n")
    shell.run("list-accounts", status=6, OMS_BASE_URL="http://127.0.0.1:1")
    shell.run("list-accounts", status=3, OMS_API_KEY=hidden.exchange_key)
    key = {"OMS_MASTER_KEY": hidden.master_keys[0]}
    doctor = shell.run("doctor", status=7, **key).answer
    (keys,) = [check for check in doctor["checks"] if check["name"] == "keys"]
    assert not keys["ok"] and str(story.gateway.account_id) in keys["detail"]
    rotated = shell.run("rotate-master-key", status=1, **key).answer
    assert rotated["unreadable"] == [story.gateway.account_id]
    url = f"mysql+asyncmy://oms:{hidden.exchange_secret}@127.0.0.1:1/oms"
    shell.run("doctor", status=7, OMS_DATABASE_URL=url)
    shell.run("db", "status", status=6, OMS_DATABASE_URL=url)
    shell.run("db", "status", status=(1, 2), OMS_DATABASE_URL=f"nonsense:{hidden.exchange_secret}")


def test_no_secret_was_printed_anywhere(story: CommandLineSession) -> None:
    """The last test: everything that was printed, logged or stored in this file's session."""
    said = {" ".join(done.arguments[:2]): _output_without_key(done) for done in story.shell.done}
    assert len(story.shell.done) > len(KEYS) and len(said) > len(KEYS) / 2
    log = story.gateway.log.read_text(encoding="utf-8")
    # The greeting shows what to paste, key included, as first-run.json holds it.
    greeting, _, later = log.partition("Ctrl-C stops the gateway")
    assert story.secrets.trader_key in greeting and later
    stored = gzip.decompress((story.gateway.folder / "copy.gz").read_bytes()).decode()
    assert "enc:v1:" in stored
    places: Mapping[str, str] = {
        "log": later,
        "backup": stored,
        **{
            f"{n} {' '.join(d.arguments)}": _output_without_key(d)
            for n, d in enumerate(story.shell.done)
        },
    }
    leaks = [
        (place, name)
        for place, text in places.items()
        for name, secret in _named(story.secrets)
        if secret in text
    ]
    assert leaks == []


def _output_without_key(done: CompletedCommand) -> str:
    """Return the output of a command without the key that it is supposed to print."""
    if done.arguments[0] not in ("install", "create-api-key"):
        return done.out + done.err
    output = json.loads(done.out)
    (output["api_key"] if done.arguments[0] == "install" else output).pop(
        "plain" if done.arguments[0] == "install" else "api_key"
    )
    return json.dumps(output) + done.err


def _named(hidden: SessionSecrets) -> list[tuple[str, str]]:
    texts = hidden.texts()
    assert all(len(text) > 8 for text in texts) and len(texts) >= 10
    return [(text[:6], text) for text in texts]
