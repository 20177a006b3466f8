"""Every command once, as a process: its documented keys, and no secret in anything that is said."""

import gzip
import json
import secrets
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kit.gateway import Gateway
from kit.http import call
from kit.shell import Done, Shell
from kit.sql import rows
from oms.cli.main import parser

SYMBOL = "BTC/USDT:USDT"
#: Keys that a command's answer has, as docs/reference/cli.md tells them.
KEYS = {
    "install": {"ok", "schema_files", "user", "api_key", "account", "admin"},
    "create-user": {"ok", "user_id", "name", "role", "created"},
    "create-api-key": {"ok", "user_id", "api_key_id", "api_key", "label"},
    "add-account": {"ok", "account_id", "user_id", "exchange_id", "label"},
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
    "backup": {"ok", "file", "rows"},
    "restore": {"ok", "file", "rows"},
    "verify": {"ok", "accounts"},
    "replay": {
        *("ok", "account_id", "until", "compared", "orders", "deals", "positions", "differences")
    },
    "send-order": {"results"},
    "change-order": {"results"},
    "cancel-order": {"results"},
    "close-position": {"results"},
    "close-by": {"results"},
    "reassign-position": {
        *("ok", "deals_updated", "orders_updated", "deals_total", "orders_total"),
        *("preview", "page", "page_size", "items"),
    },
    "create-strategy": {"ok", "strategy_id"},
    "list-strategies": {"items"},
    "list-accounts": {"items"},
    "dispatcher-status": {"ok", "result"},
    "healthz": {"status", "app", "env", "db_engine"},
    "reconcile": {"ok", "account_ids", "triggered_count", "results"},
    "reconcile-status": {"items"},
    "orders-open": {"items", "total", "page", "page_size"},
    "positions-open": {"items", "total", "page", "page_size"},
    "orders-history": {"items", "total", "page", "page_size"},
    "deals": {"items", "total", "page", "page_size"},
    "positions-history": {"items", "total", "page", "page_size"},
    "paper hash": {"ok", "account_id", "hash"},
    "paper run": {"ok", "hash", "lines", "facts", "at"},
    "paper price": {"ok"},
    "paper deposit": {"ok"},
    "paper reset": {"ok"},
}
#: The gateway under test is ``oms up``, which runs the others.
PROCESSES = {"up", "api", "worker"}


@dataclass
class Hidden:
    """Texts that nobody but their owner may see."""

    password: str = field(default_factory=lambda: f"password-{secrets.token_urlsafe(9)}")
    exchange_key: str = field(default_factory=lambda: f"key-{secrets.token_urlsafe(12)}")
    exchange_secret: str = field(default_factory=lambda: f"secret-{secrets.token_urlsafe(12)}")
    passphrase: str = field(default_factory=lambda: f"words-{secrets.token_urlsafe(12)}")
    typed: str = field(default_factory=lambda: f"typed-{secrets.token_urlsafe(12)}")
    trader_key: str = ""
    admin_key: str = ""
    install_key: str = field(default_factory=lambda: f"chosen-{secrets.token_urlsafe(24)}")
    master_keys: list[str] = field(default_factory=list)

    def texts(self) -> list[str]:
        """All of them."""
        alone = (value for value in vars(self).values() if isinstance(value, str))
        return [*alone, *self.master_keys]


@dataclass
class Story:
    """A gateway, the commands that were run on it, and what must not have been said."""

    gateway: Gateway
    shell: Shell
    hidden: Hidden
    told: dict[str, Any] = field(default_factory=dict)

    def run(self, command: str, *words: str, **options: Any) -> Any:
        """Run a command; its answer."""
        done = self.shell.run(*command.split(), *words, **options)
        self.told[command] = done.answer
        return done.answer


@pytest.fixture(scope="module")
def story(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """All commands, in an order that makes sense."""
    hidden = Hidden(trader_key=gateway.api_key, admin_key=gateway.admin_api_key)
    known = {"OMS_BASE_URL": gateway.base_url, "OMS_API_KEY": gateway.api_key}
    shell = Shell({**gateway.environment, **known}, gateway.folder)
    story = Story(gateway, shell, hidden)
    _people(story)
    _orders(story)
    _strategies(story)
    _reads(story)
    _paper(story)
    _credentials(story)
    _upkeep(story, tmp_path_factory.mktemp("other"))
    yield story


def _people(story: Story) -> None:
    chosen = story.hidden.install_key
    line = ("--with-account", "--label", "whole", "--trader-name", "bob", "--api-key-stdin")
    made = story.run("install", *line, stdin=f"{chosen}\n")
    assert made["api_key"]["plain"] == chosen
    story.hidden.master_keys += _keys(story)
    ann = story.run(
        "create-user", "--name", "ann", "--password-stdin", stdin=story.hidden.password + "\n"
    )
    user = f"--user-id={ann['user_id']}"
    story.run("add-account", user, "--exchange-id=paper.binance", "--label=ann's")
    story.run("create-api-key", user, "--label=home", "--ip-allowlist=127.0.0.0/8,::1/128")


def _orders(story: Story) -> None:
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


def _strategies(story: Story) -> None:
    account_id = story.gateway.account_id
    made = story.run("create-strategy", "--name=whole", "--account-ids", str(account_id))
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


def _reads(story: Story) -> None:
    csv = f"--account-ids={story.gateway.account_id}"
    for command in ("orders-open", "deals", "positions-history"):
        story.run(command, csv)
    for command in ("healthz", "list-accounts", "dispatcher-status"):
        story.run(command)
    story.run("reconcile", "--account-ids", str(story.gateway.account_id), "--symbols-hint", SYMBOL)
    story.run("reconcile-status", f"--account-id={story.gateway.account_id}")
    story.run("reconcile-status")


def _paper(story: Story) -> None:
    manual = json.dumps({"oms": {"paper": {"source": "manual"}}})
    bob = rows(story.gateway.dsn, "SELECT id FROM users WHERE name = 'bob'")[0][0]
    line = (f"--user-id={bob}", "--exchange-id=paper.binance", "--label=manual")
    made = story.run("add-account", *line, f"--extra-config={manual}")
    account = f"--account-id={made['account_id']}"
    key = {"OMS_API_KEY": story.hidden.install_key}
    story.run("paper price", account, f"--symbol={SYMBOL}", "--price=50000", **key)
    story.run("paper deposit", account, "--currency=USDT", "--amount=5", "--comment=gift", **key)
    story.run("paper reset", account, "--comment=anew", **key)
    story.run("paper hash", account)
    fresh = story.run("add-account", *line[:2], "--label=fresh")["account_id"]
    story.run("set-account-testnet", f"--account-id={fresh}", "--enabled")
    script = story.gateway.folder / "script.jsonl"
    script.write_text('{"at": 1, "do": "clock"}\n', encoding="utf-8")
    story.run("paper run", str(script))


def _credentials(story: Story) -> None:
    hidden, account = story.hidden, f"--account-id={story.gateway.account_id}"
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
    hidden.master_keys += _keys(story)
    story.run("rotate-master-key")
    hidden.master_keys += _keys(story)
    assert story.run("rotate-master-key", "--drop-old", "--yes")["dropped"]
    # The one that was asked for was told, by that command alone.
    hidden.master_keys = [key for key in hidden.master_keys if key != fresh]
    said = [done for done in story.shell.done if fresh in done.out + done.err]
    assert [done.words for done in said] == [("generate-master-key",)]


def _upkeep(story: Story, other: Path) -> None:
    story.run("db upgrade")
    story.run("db status")
    story.run("doctor", f"--account-id={story.gateway.account_id}")
    story.run("verify")
    story.run("replay", f"--account-id={story.gateway.account_id}")
    story.run("backup", "--out=copy.gz")
    elsewhere = {"OMS_HOME": str(other), "OMS_DATABASE_URL": f"sqlite+aiosqlite:///{other}/a.db"}
    story.run("restore", "--in=copy.gz", "--yes", **elsewhere)


def _keys(story: Story) -> list[str]:
    lines = (story.gateway.home / "master.key").read_text(encoding="ascii").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_every_command_was_run(story: Story) -> None:
    commands: Any = next(a for a in parser()._actions if a.dest == "command")
    assert set(commands.choices) - PROCESSES == {name.split()[0] for name in story.told}


@pytest.mark.parametrize("command", KEYS)
def test_an_answer_has_its_documented_keys(command: str, story: Story) -> None:
    assert KEYS[command] <= set(story.told[command])


def test_no_other_command_was_run(story: Story) -> None:
    assert set(story.told) == set(KEYS)


def test_the_parts_of_an_installation(story: Story) -> None:
    told = story.told["install"]
    assert set(told["user"]) == {"id", "name"}
    assert set(told["api_key"]) == {"id", "plain", "label"}
    parts = {"id", "exchange_id", "label", "position_mode", "is_testnet"}
    assert set(told["account"]) == parts
    assert set(told["admin"]) == {"user_id", "name", "api_key_id", "api_key"}


def test_a_chosen_key_trades_on_the_account_it_was_made_with(story: Story) -> None:
    order = {"symbol": SYMBOL, "side": "buy", "order_type": "market", "qty": "0.01"}
    account_id = story.told["install"]["account"]["id"]
    body = {"account_id": account_id, "command": "send_order", "payload": order}
    key = story.hidden.install_key
    status, answer, _ = call(story.gateway, "POST", "/oms/commands", body, key=key)
    assert (status, answer["results"][0]["status"]) == (200, "done")


def test_an_account_keeps_its_environment_from_the_first_order_on(story: Story) -> None:
    assert story.told["set-account-testnet"]["is_testnet"] is True
    traded = f"--account-id={story.gateway.account_id}"
    story.shell.run("set-account-testnet", traded, "--enabled", status=1)
    story.shell.run("set-account-testnet", "--account-id=987654", "--disabled", status=4)


def test_the_key_file_is_its_owner_s_alone(story: Story) -> None:
    assert stat.S_IMODE((story.gateway.home / "master.key").stat().st_mode) == 0o600


def test_a_restored_database_holds_the_same_rows(story: Story) -> None:
    assert story.told["restore"]["rows"] == story.told["backup"]["rows"]
    assert story.told["restore"]["rows"]["oms_deals"] > 0


def test_the_doctor_finds_all_well(story: Story) -> None:
    told = story.told["doctor"]
    assert told["ok"], told
    names = [check["name"] for check in told["checks"]]
    assert names == ["config", "database", "migrations", "keys", "clock", "worker", "exchange"]


def test_the_password_that_was_piped_in_logs_in(story: Story) -> None:
    wish = {"user_name": "ann", "password": story.hidden.password}
    status, answer, _ = call(story.gateway, "POST", "/auth/login-password", wish)
    assert status == 200, answer
    story.hidden.master_keys.append(answer["token"])


def test_secrets_are_typed_unseen_at_a_terminal(story: Story) -> None:
    account = f"--account-id={story.gateway.account_id}"
    words = ("upsert-account-credentials", account)
    shown = story.shell.at_terminal(*words, typed=["", story.hidden.typed, ""])
    assert "Secret" in shown and story.hidden.typed not in shown
    assert "api_key_enc: true" in shown


def test_a_terminal_shows_tables(story: Story) -> None:
    shown = story.shell.at_terminal("list-accounts").splitlines()
    assert shown[0].startswith("account_id  label")
    assert "paper-hedge" in shown[1]
    checks = story.shell.at_terminal("doctor")
    assert "  name        ok" in checks and "\x1b[" not in checks


def test_what_cannot_be_undone_is_asked_for(story: Story) -> None:
    before = _keys(story)
    story.shell.run("rotate-master-key", "--drop-old", status=2)
    shown = story.shell.at_terminal("rotate-master-key", "--drop-old", typed=["n"], status=1)
    assert "nothing was done" in shown
    assert "dropped: []" in story.shell.at_terminal(
        "rotate-master-key", "--drop-old", typed=["yes"]
    )
    assert _keys(story) == before
    refused = story.shell.run("restore", "--in=copy.gz", "--yes", status=1)
    assert "a worker is at work" in refused.err


def test_failures_tell_no_secret(story: Story) -> None:
    """Commands that go wrong with a secret in their hands."""
    hidden, shell = story.hidden, story.shell
    account = f"--account-id={story.gateway.account_id}"
    piped = {"stdin": f"{hidden.exchange_key}\n{hidden.exchange_secret}\n"}
    both = ("--api-key-stdin", "--secret-stdin")
    shell.run("upsert-account-credentials", "--account-id=987654", *both, status=4, **piped)
    shell.run("upsert-account-credentials", account, *both, status=1, OMS_MASTER_KEY="x", **piped)
    shell.run("create-user", "--name=eve", "--password-stdin", status=2, stdin="short\n")
    shell.run("list-accounts", status=6, OMS_BASE_URL="http://127.0.0.1:1")
    shell.run("list-accounts", status=3, OMS_API_KEY=hidden.exchange_key)
    key = {"OMS_MASTER_KEY": hidden.master_keys[0]}
    told = shell.run("doctor", status=7, **key).answer
    (keys,) = [check for check in told["checks"] if check["name"] == "keys"]
    assert not keys["ok"] and str(story.gateway.account_id) in keys["detail"]
    rotated = shell.run("rotate-master-key", status=1, **key).answer
    assert rotated["unreadable"] == [story.gateway.account_id]
    url = f"mysql+asyncmy://oms:{hidden.exchange_secret}@127.0.0.1:1/oms"
    shell.run("doctor", status=7, OMS_DATABASE_URL=url)
    shell.run("db", "status", status=6, OMS_DATABASE_URL=url)
    shell.run("db", "status", status=(1, 2), OMS_DATABASE_URL=f"nonsense:{hidden.exchange_secret}")


def test_no_secret_was_said_anywhere(story: Story) -> None:
    """Last of all: everything that was printed, logged or stored in this file's session."""
    said = {" ".join(done.words[:2]): _said(done) for done in story.shell.done}
    assert len(story.shell.done) > len(KEYS) and len(said) > len(KEYS) / 2
    log = story.gateway.log.read_text(encoding="utf-8")
    # The greeting shows what to paste, key and all, as first-run.json holds it.
    greeting, _, later = log.partition("Ctrl-C ends the gateway")
    assert story.hidden.trader_key in greeting and later
    stored = gzip.decompress((story.gateway.folder / "copy.gz").read_bytes()).decode()
    assert "enc:v1:" in stored
    places: Mapping[str, str] = {
        "log": later,
        "backup": stored,
        **{f"{n} {' '.join(d.words)}": _said(d) for n, d in enumerate(story.shell.done)},
    }
    leaks = [
        (place, name)
        for place, text in places.items()
        for name, secret in _named(story.hidden)
        if secret in text
    ]
    assert leaks == []


def _said(done: Done) -> str:
    """What a command said; a key that is made or chosen is told once, where it is meant to be."""
    if done.words[0] not in ("install", "create-api-key"):
        return done.out + done.err
    told = json.loads(done.out)
    (told["api_key"] if done.words[0] == "install" else told).pop(
        "plain" if done.words[0] == "install" else "api_key"
    )
    return json.dumps(told) + done.err


def _named(hidden: Hidden) -> list[tuple[str, str]]:
    texts = hidden.texts()
    assert all(len(text) > 8 for text in texts) and len(texts) >= 10
    return [(text[:6], text) for text in texts]
