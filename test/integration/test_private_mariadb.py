"""The private MariaDB of other tests: it is isolated, durable, and removed completely."""

import os
from pathlib import Path

import pytest
import yaml

from kit.databases.mariadb import INSTALL_LINE, MariaDBFailed, PrivateMariaDB


def _query(
    server: PrivateMariaDB, statement: str, database: str | None = None
) -> list[tuple[object, ...]]:
    connection = server.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())
    finally:
        connection.close()


def test_committed_rows_and_the_port_survive_a_kill() -> None:
    with PrivateMariaDB() as server:
        port, first_pid = server.port, server.pid
        server.create_database("kept")
        _query(server, "CREATE TABLE t (n INT PRIMARY KEY)", "kept")
        _query(server, "INSERT INTO t VALUES (41)", "kept")

        server.kill()
        with pytest.raises(MariaDBFailed):
            _ = server.pid
        server.restart()

        assert server.port == port
        assert server.pid != first_pid
        assert _query(server, "SELECT n FROM t", "kept") == [(41,)]
        last_pid = server.pid
    assert not os.path.exists(f"/proc/{last_pid}")


def test_commits_are_flushed_and_servers_are_isolated(mariadb: PrivateMariaDB) -> None:
    with PrivateMariaDB() as other:
        other.create_database("only_here")
        names = [row[0] for row in _query(mariadb, "SHOW DATABASES")]
        assert "only_here" not in names
        assert other.port != mariadb.port
    assert _query(mariadb, "SELECT @@innodb_flush_log_at_trx_commit") == [(1,)]


def test_dsn_names_driver_port_and_database(mariadb: PrivateMariaDB) -> None:
    assert mariadb.dsn("x") == f"mysql+aiomysql://root@127.0.0.1:{mariadb.port}/x"
    assert mariadb.dsn("x", "asyncmy") == f"mysql+asyncmy://root@127.0.0.1:{mariadb.port}/x"


def test_a_missing_server_fails_with_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kit.databases.mariadb.shutil.which", lambda name, path: None)
    with pytest.raises(MariaDBFailed, match="mariadbd is missing") as raised:
        PrivateMariaDB()
    assert INSTALL_LINE in str(raised.value)


def test_a_server_that_cannot_start_fails_with_its_log() -> None:
    with (
        pytest.raises(MariaDBFailed, match="ended with status"),
        PrivateMariaDB(options=["--no-such-option"]),
    ):
        raise AssertionError("a server with an unknown option must not start")


def test_the_socket_path_is_short_for_a_deep_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with PrivateMariaDB() as server:
        assert len(_query(server, "SELECT @@socket")[0][0]) < 107  # type: ignore[arg-type]


def test_the_stack_runs_the_version_that_is_tested(mariadb: PrivateMariaDB) -> None:
    version = str(_query(mariadb, "SELECT VERSION()")[0][0])
    root = Path(__file__).resolve().parents[2]
    for name, service in (("stack", "mysql"), ("cluster", "node1")):
        stack = yaml.safe_load((root / f"docker-compose.{name}.yml").read_text())
        image = stack["services"][service]["image"]
        assert image == "mariadb:" + ".".join(version.split(".")[:2])
