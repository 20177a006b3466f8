"""A whole session with secrets as input; then all output and stored data is searched for them.

Output is logs, responses, frames and what ``oms`` prints; stored data is tables, files and backups.
Two files contain secrets on purpose, and only their owner can read them (``DOCUMENTED``).

The stored form of a secret (a hash, a sealed text) is searched for too: a search that finds nothing
at all would prove nothing.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import connect
from kit.gateway import secrets_session
from kit.gateway.processes import Gateway
from kit.gateway.secrets_session import Session, make_secret
from kit.gateway.shell import Shell
from kit.gateway.signal_secrets import exercise_signals
from kit.http.client import call
from kit.polling import wait_until
from oms.adapters.sql.tables import METADATA

LOUD = {"OMS_LOG_LEVEL": "DEBUG", "OMS_ACCESS_CACHE_SECONDS": "0"}
#: Files of the data folder that contain secrets: docs/security-model.md.
DOCUMENTED = frozenset({"master.key", "first-run.json"})
Outage = tuple[Callable[[], None], Callable[[], None]]


@contextmanager
def _on_mariadb(folder: Path, server: PrivateMariaDB, password: str) -> Iterator[Gateway]:
    """A gateway whose database requires a password."""
    name = "oms_secrets"
    server.create_database(name)
    with server.connect() as root, root.cursor() as cursor:
        cursor.execute(f"CREATE USER 'keeper'@'%' IDENTIFIED BY '{password}'")
        cursor.execute(f"GRANT ALL ON {name}.* TO 'keeper'@'%'")
    dsn = f"mysql+asyncmy://keeper:{password}@127.0.0.1:{server.port}/{name}"
    gateway = Gateway(folder, dsn=dsn, mariadb=server, workers=1, environment=LOUD, is_forked=False)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


@contextmanager
def _on_sqlite(folder: Path) -> Iterator[Gateway]:
    environment = LOUD | {"OMS_LOG_FORMAT": "json"}
    gateway = Gateway(folder, workers=1, environment=environment, is_forked=False)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


@pytest.fixture(params=["mariadb", "sqlite"])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """A gateway at the most verbose log level, after a session with an outage."""
    with ExitStack() as stack:
        if request.param == "mariadb":
            server: PrivateMariaDB = request.getfixturevalue("mariadb")
            password = make_secret("database")
            gateway = stack.enter_context(_on_mariadb(tmp_path, server, password))
            away: Outage = (server.kill, server.restart)
        else:
            password = make_secret("unused")
            gateway = stack.enter_context(_on_sqlite(tmp_path))
            away = _locks(stack, gateway)
        session = Session(gateway, {"database password": password})
        secrets_session.run_session(session)
        exercise_signals(session)
        secrets_session.run_during_outage(session, *away)
        wait_until(
            lambda: call(gateway, "GET", "/readyz")[0] == 200, 40, "the gateway is ready again"
        )
        yield session


def _locks(stack: ExitStack, gateway: Gateway) -> Outage:
    """SQLite is unavailable while another process writes."""
    other = stack.enter_context(connect(gateway.dsn))
    other.isolation_level = None
    return lambda: other.execute("BEGIN IMMEDIATE"), lambda: other.execute("ROLLBACK")


def test_no_secret_is_printed_or_stored(session: Session) -> None:
    shell = _commands(session)
    session.add_secret("master key", _master_key(session.gateway))
    stored = dict(_dump(session))
    places = {
        "log": session.gateway.log.read_text(encoding="utf-8"),
        **{f"table {name}": text for name, text in stored.items()},
        **dict(_files(session.gateway.data_folder)),
        "backup": _backup(session.gateway),
        **{f"{n} {where}": text for n, (where, text) in enumerate(session.answers)},
        **{f"oms {' '.join(done.arguments[:1])}": done.out + done.err for done in shell.done},
        **{f"/proc {pid}": _command_line(pid) for pid in _pids(session.gateway)},
    }
    assert len(session.secrets) > 25 and len(session.answers) > 50
    assert {"worker_started", "store_unavailable"} <= set(re.findall(r"\w+", places["log"]))
    leaks = [
        (place, name)
        for place, text in places.items()
        for name, secret in session.secrets.items()
        for form in _forms(secret)
        if form in text
    ]
    assert leaks == []
    _check_log_format(session)
    _known_again(session, stored)
    for path in session.gateway.data_folder.rglob("*"):
        assert path.is_dir() or path.is_socket() or not path.stat().st_mode & 0o077, path


def _check_log_format(session: Session) -> None:
    """Where the gateway logs JSON, each line of the whole session is one object with its fields."""
    if session.gateway.environment.get("OMS_LOG_FORMAT") == "json":
        lines = session.gateway.log.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        assert all({"at", "level", "logger", "pid", "event"} <= row.keys() for row in rows)


def _known_again(session: Session, stored: dict[str, str]) -> None:
    """Keys and tokens are stored as hashes, passwords as slow hashes, credentials sealed."""
    for name in ("trader key", "admin key", "made key", "chosen key"):
        assert _hash(session.secrets[name]) in stored["user_api_keys"]
    for name in ("token", "second session", "third session"):
        assert _hash(session.secrets[name]) in stored["auth_tokens"]
    assert "$argon2id$" in stored["user_password_credentials"]
    assert stored["account_credentials_encrypted"].count("enc:v1:") == 3
    assert "chosen" in stored["user_api_keys"] and "first" in stored["audit_log"]


def _commands(session: Session) -> Shell:
    """Commands that fail with a secret as argument."""
    gateway = session.gateway
    shell = Shell({**gateway.environment, **LOUD, "OMS_BASE_URL": gateway.base_url}, gateway.folder)
    odd = session.add_secret("odd master key")
    url = f"mysql+asyncmy://oms:{session.add_secret('url password')}@127.0.0.1:1/oms"
    shell.run("doctor", status=(0, 7))
    shell.run("doctor", status=(0, 7), OMS_MASTER_KEY=odd)
    shell.run("doctor", status=7, OMS_DATABASE_URL=url)
    shell.run("list-accounts", status=3, OMS_API_KEY=session.secrets["bad key"])
    shell.run("verify", status=(0, 7))
    shell.run("audit", "checkpoint")
    shell.run("backup", "--out=copy.gz")
    shell.run("backup", "--out=copy.gz/below", status=2)
    shell.run("restore", "--in=copy.gz", "--yes", status=1)
    shell.run("replay", "--account-id=1", status=(0, 1))
    shell.run("api", status=(1, 2, 6), OMS_DATABASE_URL=session.add_secret("no url"))
    shell.run("worker", status=(1, 2, 6), OMS_DATABASE_URL=f"x://{session.secrets['no url']}")
    return shell


def _dump(session: Session) -> Iterator[tuple[str, str]]:
    """Yield every row of every table as text."""
    gateway = session.gateway
    with ExitStack() as stack:
        if gateway.dsn.startswith("mysql"):
            connection: Any = stack.enter_context(gateway.mariadb.connect("oms_secrets"))
        else:
            connection = stack.enter_context(connect(gateway.dsn))
        for name in METADATA.tables:
            cursor = connection.cursor()
            cursor.execute(f"SELECT * FROM {name}")
            yield name, "\n".join(str(row) for row in cursor.fetchall())


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the raw content of the files of the data folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in DOCUMENTED:
            yield f"file {path.name}", path.read_bytes().decode("latin-1")


def _backup(gateway: Gateway) -> str:
    text = gzip.decompress((gateway.folder / "copy.gz").read_bytes()).decode()
    assert "enc:v1:" in text, "it contains the sealed credentials"
    return text


def _forms(secret: str) -> set[str]:
    """Return a secret in its plain form and in simple encodings."""
    raw = secret.encode()
    return {secret, raw.hex(), base64.b64encode(raw).decode().rstrip("=")}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _master_key(gateway: Gateway) -> str:
    lines = (gateway.data_folder / "master.key").read_text(encoding="ascii").splitlines()
    (key,) = [line for line in lines if line and not line.startswith("#")]
    return key


def _pids(gateway: Gateway) -> list[int]:
    return [*gateway.api_pids(), *gateway.worker_pids()]


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
