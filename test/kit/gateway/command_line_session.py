"""A whole session at the command line: every command once, in an order that makes sense."""

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.databases.sql import fetch_rows
from kit.gateway.processes import Gateway
from kit.gateway.shell import Shell

SYMBOL = "BTC/USDT:USDT"


@dataclass
class SessionSecrets:
    """Texts that nobody but their owner may see."""

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
        """All of them."""
        alone = (value for value in vars(self).values() if isinstance(value, str))
        return [*alone, *self.master_keys]


@dataclass
class CommandLineSession:
    """A gateway, the commands that were run on it, and what must not have been said."""

    gateway: Gateway
    shell: Shell
    secrets: SessionSecrets
    answers: dict[str, Any] = field(default_factory=dict)

    def run(self, command: str, *words: str, **options: Any) -> Any:
        """Run a command; its answer."""
        done = self.shell.run(*command.split(), *words, **options)
        self.answers[command] = done.answer
        return done.answer


def run_session(gateway: Gateway, other: Path) -> CommandLineSession:
    """Run it; ``other`` is a folder for the database that the backup goes to."""
    hidden = SessionSecrets(trader_key=gateway.api_key, admin_key=gateway.admin_api_key)
    known = {"OMS_BASE_URL": gateway.base_url, "OMS_API_KEY": gateway.api_key}
    shell = Shell({**gateway.environment, **known}, gateway.folder)
    story = CommandLineSession(gateway, shell, hidden)
    _people(story)
    _orders(story)
    _strategies(story)
    _reads(story)
    _paper(story)
    _credentials(story)
    _upkeep(story, other)
    return story


def read_master_keys(gateway: Gateway) -> list[str]:
    """What stands in the key file."""
    lines = (gateway.home_folder / "master.key").read_text(encoding="ascii").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _people(story: CommandLineSession) -> None:
    chosen = story.secrets.install_key
    line = ("--with-account", "--label", "whole", "--trader-name", "bob", "--api-key-stdin")
    made = story.run("install", *line, stdin=f"{chosen}\n")
    assert made["api_key"]["plain"] == chosen
    story.secrets.master_keys += read_master_keys(story.gateway)
    ann = story.run(
        "create-user", "--name", "ann", "--password-stdin", stdin=story.secrets.password + "\n"
    )
    user = f"--user-id={ann['user_id']}"
    story.run("add-account", user, "--exchange-id=paper.binance", "--label=ann's")
    story.run("create-api-key", user, "--label=home", "--ip-allowlist=127.0.0.0/8,::1/128")


def _orders(story: CommandLineSession) -> None:
    gateway = story.gateway
    order = ("--symbol", SYMBOL, "--order-type", "market", "--qty", "0.02")
    account = f"--account-id={gateway.account_id}"
    story.run("send-order", account, "--side=buy", *order)
    story.run("send-order", account, "--side=sell", *order)
    found = story.run("positions-open", f"--account-ids={gateway.account_id}")["items"]
    ours, theirs = sorted(found, key=lambda row: str(row["side"]))
    story.run(
        "close-by",
        account,
        f"--position-id-a={ours['id']}",
        f"--position-id-b={theirs['id']}",
        "--qty=0.01",
    )
    story.run("close-position", account, f"--position-id={ours['id']}")
    limit = ("--order-type", "limit", "--qty", "0.02", "--price", "10000")
    resting = story.run("send-order", account, "--side=buy", "--symbol", SYMBOL, *limit)
    named = f"--order-id={resting['results'][0]['order_id']}"
    story.run("change-order", account, named, "--new-price=11000")
    story.run("cancel-order", account, named, "--comment=enough")


def _strategies(story: CommandLineSession) -> None:
    account_id = story.gateway.account_id
    made = story.run("create-strategy", "--name=whole", "--account-ids", str(account_id))
    mine = ("--scope=strategy", f"--id={made['strategy_id']}", "--comment=only a drill")
    story.run("kill on", *mine, "--mode=reduce_only", "--drill")
    story.run("kill off", *mine, "--yes")
    story.run("list-strategies")
    history = story.run("orders-history", f"--account-ids={account_id}")["items"]
    unassigned = next(row for row in history if row["status"] == "FILLED")
    story.run(
        "reassign-position",
        f"--account-id={account_id}",
        f"--target-strategy-id={made['strategy_id']}",
        "--comment=sorted",
        "--order-ids",
        str(unassigned["id"]),
    )


def _reads(story: CommandLineSession) -> None:
    csv = f"--account-ids={story.gateway.account_id}"
    for command in ("orders-open", "deals", "positions-history"):
        story.run(command, csv)
    for command in ("healthz", "list-accounts", "dispatcher-status"):
        story.run(command)
    story.run("reconcile", "--account-ids", str(story.gateway.account_id), "--symbols-hint", SYMBOL)
    story.run("reconcile-status", f"--account-id={story.gateway.account_id}")
    story.run("reconcile-status")


def _paper(story: CommandLineSession) -> None:
    manual = json.dumps({"oms": {"paper": {"source": "manual"}}})
    bob = fetch_rows(story.gateway.dsn, "SELECT id FROM users WHERE name = 'bob'")[0][0]
    line = (f"--user-id={bob}", "--exchange-id=paper.binance", "--label=manual")
    made = story.run("add-account", *line, f"--extra-config={manual}")
    account = f"--account-id={made['account_id']}"
    key = {"OMS_API_KEY": story.secrets.install_key}
    story.run("paper price", account, f"--symbol={SYMBOL}", "--price=50000", **key)
    story.run("paper deposit", account, "--currency=USDT", "--amount=5", "--comment=gift", **key)
    story.run("paper reset", account, "--comment=anew", **key)
    story.run("paper hash", account)
    fresh = story.run("add-account", *line[:2], "--label=fresh")["account_id"]
    story.run("set-account-testnet", f"--account-id={fresh}", "--enabled")
    script = story.gateway.folder / "script.jsonl"
    script.write_text('{"at": 1, "do": "clock"}\n', encoding="utf-8")
    story.run("paper run", str(script))


def _credentials(story: CommandLineSession) -> None:
    hidden, account = story.secrets, f"--account-id={story.gateway.account_id}"
    story.run("generate-master-key", "--into-file")
    fresh = story.shell.run("generate-master-key").answer["encryption_master_key"]
    (story.gateway.folder / "secret.txt").write_text(hidden.exchange_secret + "\n")
    sealed = story.run("encrypt", "--value-stdin", stdin=hidden.passphrase + "\n")["encrypted"]
    stored = story.run(
        "upsert-account-credentials",
        account,
        "--api-key-stdin",
        "--secret-file=secret.txt",
        f"--passphrase={sealed}",
        stdin=hidden.exchange_key + "\n",
    )["stored"]
    assert stored == {"api_key_enc": True, "secret_enc": True, "passphrase_enc": True}
    line = ("rotate-master-key", "--new-key-stdin")
    first = story.shell.run(*line, stdin=fresh + "\n").answer
    again = story.shell.run(*line, stdin=fresh + "\n").answer
    assert (first["resealed"], again["resealed"], again["verified"]) == (1, 0, 1)
    hidden.master_keys += read_master_keys(story.gateway)
    story.run("rotate-master-key")
    hidden.master_keys += read_master_keys(story.gateway)
    assert story.run("rotate-master-key", "--drop-old", "--yes")["dropped"]
    # The one that was asked for was told, by that command alone.
    hidden.master_keys = [key for key in hidden.master_keys if key != fresh]
    said = [done for done in story.shell.done if fresh in done.out + done.err]
    assert [done.arguments for done in said] == [("generate-master-key",)]


def _upkeep(story: CommandLineSession, other: Path) -> None:
    story.run("db upgrade")
    story.run("db status")
    story.run("doctor", f"--account-id={story.gateway.account_id}")
    story.run("exchange show", "ccxtpro.bybit")
    story.run("verify")
    story.run("replay", f"--account-id={story.gateway.account_id}")
    story.run("backup", "--out=copy.gz")
    elsewhere = {"OMS_HOME": str(other), "OMS_DATABASE_URL": f"sqlite+aiosqlite:///{other}/a.db"}
    story.run("restore", "--in=copy.gz", "--yes", **elsewhere)
