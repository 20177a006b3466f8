"""A session at the command line that runs every command once, in a meaningful order."""

import json
import os
import secrets
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kit.databases.sql import fetch_rows
from kit.exchanges.loopback_process import run_loopback
from kit.gateway.processes import Gateway
from kit.gateway.shell import Shell
from kit.http.client import call
from kit.polling import wait_until

SYMBOL = "BTC/USDT:USDT"


@dataclass
class SessionSecrets:
    """Secrets that must not appear in the output of other commands."""

    password: str = field(default_factory=lambda: f"password-{secrets.token_urlsafe(9)}")
    exchange_key: str = field(default_factory=lambda: f"key-{secrets.token_urlsafe(12)}")
    exchange_secret: str = field(default_factory=lambda: f"secret-{secrets.token_urlsafe(12)}")
    passphrase: str = field(default_factory=lambda: f"words-{secrets.token_urlsafe(12)}")
    typed_secret: str = field(default_factory=lambda: f"typed-{secrets.token_urlsafe(12)}")
    trader_key: str = ""
    admin_key: str = ""
    install_key: str = field(default_factory=lambda: f"chosen-{secrets.token_urlsafe(24)}")
    master_keys: list[str] = field(default_factory=list)

    def texts(self) -> list[str]:
        """All secrets."""
        values = (value for value in vars(self).values() if isinstance(value, str))
        return [*values, *self.master_keys]


@dataclass
class CommandLineSession:
    """A gateway, the answers of the commands run on it, and the secrets used."""

    gateway: Gateway
    shell: Shell
    secrets: SessionSecrets
    answers: dict[str, Any] = field(default_factory=dict)

    def run(self, command: str, *words: str, **options: Any) -> Any:
        """Runs a command; returns its answer."""
        done = self.shell.run(*command.split(), *words, **options)
        self.answers[command] = done.answer
        return done.answer


def run_session(gateway: Gateway, other: Path) -> CommandLineSession:
    """Runs the session; the backup is restored into folder ``other``."""
    hidden = SessionSecrets(trader_key=gateway.api_key, admin_key=gateway.admin_api_key)
    environment = {"OMS_BASE_URL": gateway.base_url, "OMS_API_KEY": gateway.api_key}
    shell = Shell({**gateway.environment, **environment}, gateway.folder)
    session = CommandLineSession(gateway, shell, hidden)
    _create_users(session)
    _browser_sessions(session)
    _orders(session)
    _strategies(session)
    _risk(session)
    _reads(session)
    _paper(session)
    _credentials(session)
    _maintain(session, other)
    return session


def read_master_keys(gateway: Gateway) -> list[str]:
    """The keys of the key file."""
    lines = (gateway.data_folder / "master.key").read_text(encoding="ascii").splitlines()
    return [options for options in lines if not options.startswith("#")]


def _create_users(session: CommandLineSession) -> None:
    chosen = session.secrets.install_key
    options = ("--with-account", "--label", "whole", "--trader-name", "bob", "--api-key-stdin")
    created = session.run("install", *options, stdin=f"{chosen}\n")
    assert created["api_key"]["plain"] == chosen
    session.secrets.master_keys += read_master_keys(session.gateway)
    ann = session.run(
        "create-user", "--name", "ann", "--password-stdin", stdin=session.secrets.password + "\n"
    )
    user = f"--user-id={ann['user_id']}"
    session.run("add-account", user, "--exchange-id=paper.binance", "--label=ann's")
    key = session.run(
        "create-api-key", user, "--label=laptop", "--ip-allowlist=127.0.0.0/8,::1/128"
    )
    for choice in ("--disabled", "--enabled"):
        session.run("set-api-key-status", f"--api-key-id={key['api_key_id']}", choice)


def _browser_sessions(session: CommandLineSession) -> None:
    gateway = session.gateway
    login = {"mode": "api_key", "api_key": gateway.api_key}
    status, caller, _ = call(
        gateway, "POST", "/auth/session", login, headers={"Origin": gateway.base_url}
    )
    assert status == 200, caller
    admin = {"OMS_API_KEY": session.secrets.admin_key}
    listed = session.run("sessions list", f"--user-id={caller['user']['user_id']}", **admin)
    named = f"--session-id={listed['items'][0]['session_id']}"
    session.run("sessions revoke", named, **admin)


def _orders(session: CommandLineSession) -> None:
    gateway = session.gateway
    order = ("--symbol", SYMBOL, "--order-type", "market", "--qty", "0.02")
    account = f"--account-id={gateway.account_id}"
    session.run("send-order", account, "--side=buy", *order)
    session.run("send-order", account, "--side=sell", *order)
    positions = session.run("positions-open", f"--account-ids={gateway.account_id}")["items"]
    buy, sell = sorted(positions, key=lambda row: str(row["side"]))
    session.run(
        "close-by",
        account,
        f"--position-id-a={buy['id']}",
        f"--position-id-b={sell['id']}",
        "--qty=0.01",
    )
    levels = ("--stop-loss-pct=50", "--stop-gain=none")
    session.run("change-position", account, f"--position-id={buy['id']}", *levels)
    session.run("break-even", account, "--position-id=987654", status=4)
    pair = ("--side=sell", "--qty=0.01", "--limit-price=900000", "--trigger-price=10000")
    session.run("send-oco", account, "--symbol", SYMBOL, *pair, f"--position-id={buy['id']}")
    session.run("cancel-all", account, "--symbol", SYMBOL)
    session.run("reverse-position", account, f"--position-id={sell['id']}")
    session.run("close-position", account, f"--position-id={buy['id']}")
    limit = ("--order-type", "limit", "--qty", "0.02", "--price", "10000")
    session.run("preview", account, "--side=buy", "--symbol", SYMBOL, *limit)
    resting = session.run("send-order", account, "--side=buy", "--symbol", SYMBOL, *limit)
    order_option = f"--order-id={resting['results'][0]['order_id']}"
    session.run("change-order", account, order_option, "--new-price=11000")
    session.run("cancel-order", account, order_option, "--comment=enough")
    session.run("order-lineage", order_option)
    session.run("account-groups")
    session.run("cancel-all", account, f"--symbol={SYMBOL}")


def _strategies(session: CommandLineSession) -> None:
    account_id = session.gateway.account_id
    created = session.run("create-strategy", "--name=whole", "--account-ids", str(account_id))
    options = ("--scope=strategy", f"--id={created['strategy_id']}", "--comment=only a drill")
    session.run("kill on", *options, "--mode=reduce_only", "--drill")
    session.run("kill off", *options, "--yes")
    session.run("list-strategies")
    history = session.run("orders-history", f"--account-ids={account_id}")["items"]
    unassigned = next(row for row in history if row["status"] == "FILLED")
    session.run(
        "reassign-position",
        f"--account-id={account_id}",
        f"--target-strategy-id={created['strategy_id']}",
        "--comment=sorted",
        "--order-ids",
        str(unassigned["id"]),
    )


def _risk(session: CommandLineSession) -> None:
    account = f"--account-id={session.gateway.account_id}"
    admin = ("--comment=only a test", f"--api-key={session.gateway.admin_api_key}")
    session.run("risk set", account, "max_order_notional", "100000", *admin)
    session.run("risk show", account)
    session.run("risk usage", account)
    level = ("--symbol", SYMBOL, "--condition=above", "--price=9000000")
    alert = session.run("alert add", account, *level)["alert"]
    session.run("alert list", account)
    session.run("alert remove", account, f"--id={alert['alert_id']}")
    order = ("--symbol", SYMBOL, "--side=buy", "--qty=0.01")
    session.run("risk check", account, *order)
    account_ids = f"--account-ids={session.gateway.account_id}"
    options = ("--timeout-seconds=600", "--action=cancel_entries")
    armed = session.run("deadman arm", account_ids, *options)
    session.run("deadman list")
    session.run("deadman beat", f"--id={armed['id']}")
    session.run("deadman disarm", f"--id={armed['id']}")
    session.run("risk disable", "--kind=hard", *admin)
    session.run("risk switch")
    session.run("risk enable", *admin, "--yes")
    session.run("risk reset", account, *admin)
    session.run("risk preset", account, "--preset=open", *admin)


def _backtest(session: CommandLineSession) -> None:
    rows = "\n".join(f"2024-01-{day:02},{day},{day},{day},{day},1" for day in range(1, 11))
    prices = session.gateway.folder / "prices.csv"
    prices.write_text(f"date,open,high,low,close,volume\n{rows}\n", encoding="utf-8")
    strategy = ("--strategy=sma_cross", "--param=fast=1", "--param=slow=2")
    session.run("backtest run", f"--csv={prices}", "--timeframe=1d", *strategy)
    grid = ("--strategy=sma_cross", "--grid=fast=1:2:1", "--grid=slow=2,3", "--where=fast<slow")
    session.run("backtest strategies")
    session.run("strategy list")
    session.run("strategy check", "rsi", f"--csv={prices}", "--timeframe=1d")
    series = ("--exchange=binance", "--symbol=BTC/USDT")
    session.run("instruments add", *series)
    session.run("instruments list")
    session.run("candles import", str(prices), *series, "--timeframe=1d")
    session.run("candles gaps", *series, "--timeframe=1d")
    session.run("candles resample", "1d", "1w", *series)
    session.run("candles coverage")
    _public_data(session)
    _stored_backtests(session)
    session.run("backtest sweep", f"--csv={prices}", "--timeframe=1d", "--workers=1", *grid)


def _stored_backtests(session: CommandLineSession) -> None:
    gateway = session.gateway
    runner = gateway.start_runner("backtests")
    request = {"strategy": "sma_cross", "exchange": "binance", "symbol": "BTC/USDT"}
    for fast in (1, 2):
        body = request | {"timeframe": "1d", "params": {"fast": fast, "slow": 3}}
        assert call(gateway, "POST", "/backtests", body)[0] == 202
    done = "/backtests?status=done"
    wait_until(lambda: len(call(gateway, "GET", done)[1]["items"]) == 2, 60, "two runs")
    listed = session.run("backtest list", "--status=done")["items"]
    first, second = (str(row["run_id"]) for row in listed)
    session.run("backtest show", first)
    session.run("backtest report", first, f"--html={gateway.folder / 'stored.html'}")
    session.run("backtest compare", first, second)
    os.kill(runner, signal.SIGTERM)


def _public_data(session: CommandLineSession) -> None:
    with run_loopback() as exchange:
        minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=3)
        bars = [[int(minute.timestamp() * 1000), "1", "3", "1", "2", "5"]]
        exchange.control("bars", symbol="BTC/USDT", bars=bars)
        config = json.dumps(exchange.startup["extra_config"]["bybit"])
        source = ("--exchange=bybit", "--environment=loopback", f"--config={config}")
        session.run("instruments load", "--quote=USDT", *source)
        end = (minute + timedelta(minutes=1)).isoformat()
        bounds = (f"--start={minute.isoformat()}", f"--end={end}")
        session.run("candles fetch", "BTC/USDT", "1m", *bounds, *source)


def _reads(session: CommandLineSession) -> None:
    accounts_option = f"--account-ids={session.gateway.account_id}"
    for command in ("orders-open", "deals", "positions-history"):
        session.run(command, accounts_option)
    for command in ("balance", "portfolio", "stats", "exit-report", "execution-report"):
        session.run(command, accounts_option)
    session.run("ticker", f"--symbol={SYMBOL}")
    _backtest(session)
    session.run("market session", "AAPL", "--at=2025-07-15T13:30:00Z")
    admin = f"--api-key={session.gateway.admin_api_key}"
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    override = session.run("market override", day, "--closed", "--comment=a storm", admin)
    session.run("market overrides", admin)
    session.run("market restore", str(override["id"]), admin)
    sink = ("--name=ops", "--url=https://example.com/oms", "--secret=a-long-secret")
    session.run("sink add", *sink, admin)
    session.run("sink list", admin)
    session.run("sink test", "--id=1", admin)
    session.run("sink deliveries", admin)
    session.run("sink disable", "--id=1", admin)
    session.run("sink enable", "--id=1", admin)
    _bots(session)
    source = ("--name=alerts", "--kind=tradingview", "--generate-secret", "--sizing", "qty", "0.01")
    session.run("source add", *source, f"--account-id={session.gateway.account_id}", admin)
    session.run("source list", admin)
    session.run("source test", "--id=1", '--body={"ticker":"BTCUSDT.P","action":"buy"}', admin)
    session.run("source rotate", "--id=1", "--keep-seconds=60", admin)
    session.run("source disable", "--id=1", admin)
    session.run("source enable", "--id=1", admin)
    for command in ("health", "healthz", "list-accounts", "dispatcher-status"):
        session.run(command)
    session.run(
        "reconcile", "--account-ids", str(session.gateway.account_id), "--symbols-hint", SYMBOL
    )
    session.run("reconcile-status", f"--account-id={session.gateway.account_id}")
    session.run("reconcile-status")


def _paper(session: CommandLineSession) -> None:
    manual = json.dumps({"oms": {"paper": {"source": "manual"}}})
    bob = fetch_rows(session.gateway.dsn, "SELECT id FROM users WHERE name = 'bob'")[0][0]
    options = (f"--user-id={bob}", "--exchange-id=paper.binance", "--label=manual")
    created = session.run("add-account", *options, f"--extra-config={manual}")
    account = f"--account-id={created['account_id']}"
    key = {"OMS_API_KEY": session.secrets.install_key}
    session.run("paper price", account, f"--symbol={SYMBOL}", "--price=50000", **key)
    session.run("paper deposit", account, "--currency=USDT", "--amount=5", "--comment=gift", **key)
    session.run("paper reset", account, "--comment=again", **key)
    session.run("paper hash", account)
    fresh = session.run("add-account", *options[:2], "--label=fresh")["account_id"]
    session.run("set-account-testnet", f"--account-id={fresh}", "--enabled")
    script = session.gateway.folder / "script.jsonl"
    script.write_text('{"at": 1, "do": "clock"}\n', encoding="utf-8")
    session.run("paper run", str(script))


def _credentials(session: CommandLineSession) -> None:
    hidden, account = session.secrets, f"--account-id={session.gateway.account_id}"
    session.run("generate-master-key", "--into-file")
    fresh = session.shell.run("generate-master-key").answer["encryption_master_key"]
    (session.gateway.folder / "secret.txt").write_text(hidden.exchange_secret + "\n")
    sealed = session.run("encrypt", "--value-stdin", stdin=hidden.passphrase + "\n")["encrypted"]
    stored = session.run(
        "upsert-account-credentials",
        account,
        "--api-key-stdin",
        "--secret-file=secret.txt",
        f"--passphrase={sealed}",
        stdin=hidden.exchange_key + "\n",
    )["stored"]
    assert stored == {"api_key_enc": True, "secret_enc": True, "passphrase_enc": True}
    options = ("rotate-master-key", "--new-key-stdin")
    first = session.shell.run(*options, stdin=fresh + "\n").answer
    second = session.shell.run(*options, stdin=fresh + "\n").answer
    assert (first["resealed"], second["resealed"], second["verified"]) == (1, 0, 1)
    hidden.master_keys += read_master_keys(session.gateway)
    session.run("rotate-master-key")
    hidden.master_keys += read_master_keys(session.gateway)
    assert session.run("rotate-master-key", "--drop-old", "--yes")["dropped"]
    # The generated key is printed by its own command only.
    hidden.master_keys = [key for key in hidden.master_keys if key != fresh]
    commands = [done for done in session.shell.done if fresh in done.out + done.err]
    assert [done.arguments for done in commands] == [("generate-master-key",)]


def _maintain(session: CommandLineSession, other: Path) -> None:
    session.run("db upgrade")
    session.run("db status")
    session.run("doctor", f"--account-id={session.gateway.account_id}")
    session.run("exchange show", "ccxtpro.bybit")
    session.run("smoke risk-size")
    session.run("audit checkpoint", "--out=checkpoint.json")
    session.run("verify", "--checkpoint=checkpoint.json")
    session.run("replay", f"--account-id={session.gateway.account_id}")
    session.run("backup", "--out=copy.gz")
    elsewhere = {"OMS_HOME": str(other), "OMS_DATABASE_URL": f"sqlite+aiosqlite:///{other}/a.db"}
    session.run("restore", "--in=copy.gz", "--yes", **elsewhere)
    session.run("archive list")


def _bots(session: CommandLineSession) -> None:
    """Run the commands on bots; no runner acts on the second one."""
    account_id = session.gateway.account_id
    session.run("instruments add", "--exchange=binance", f"--symbol={SYMBOL}", "--qty-step=0.001")
    body = {"name": "bots", "account_ids": [account_id]}
    strategy_id = call(session.gateway, "POST", "/strategies", body)[1]["strategy_id"]
    terms = (
        *("--strategy=rsi", f"--account-id={account_id}", f"--strategy-id={strategy_id}"),
        *(f"--symbols={SYMBOL}", "--timeframe=1h", "--sizing", "qty", "0.01"),
    )
    session.run("bot create", "--name=first", "--param=period=7", *terms)
    session.run("bot list")
    session.run("bot figures")
    session.run("bot show", "--id=1")
    session.run("bot logs", "--id=1", "--kind=decision")
    session.run("bot delete", "--id=1")
    second = session.run("bot create", "--name=second", *terms)
    session.run("bot start", f"--id={second['id']}")
    session.run("bot restart", f"--id={second['id']}", "--mode=observe")
    session.run("bot stop", f"--id={second['id']}", "--flatten")
