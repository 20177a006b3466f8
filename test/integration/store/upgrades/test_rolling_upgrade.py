"""Programs of the release before work on the new schema: revisions only add.

``schema_0049.json`` has the columns and indexes of the last recorded release. To record the present
schema as that of a release: ``.venv/bin/python test/integration/store/upgrades/record_schema.py``.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.util import greenlet_spawn

from kit.databases.sql import connect, execute, fetch_rows
from oms.adapters.sql.maintenance import migration_runner
from oms.adapters.sql.store import SqlStore

BASELINE = "0014"
RELEASE = json.loads((Path(__file__).parent / "schema_0049.json").read_text(encoding="utf-8"))
REVISIONS = sorted(
    path
    for folder in migration_runner.VERSION_FOLDERS
    for path in folder.glob("v*.py")
    if not path.name.startswith(f"v{BASELINE}")
)
#: Operations of Alembic that keep what there is.
ADDING = {"create_table", "add_column", "create_index", "execute", "get_bind", "f"}
WORDS = ("DROP ", "ALTER ", "RENAME ", "DELETE ", "TRUNCATE ")


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.name)
def test_a_revision_only_adds(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "UPDATE schema_support SET oldest_program" in text:
        return  # the second of two steps, which says so
    tree = ast.parse(text)
    created = {ast.literal_eval(call.args[0]) for call in _calls(tree, "create_table") if call.args}
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "op"
    }
    assert used <= ADDING, f"{path.name} uses {sorted(used - ADDING)}"
    for column in _added_columns(tree):
        options = {word.arg: ast.unparse(word.value) for word in column.keywords}
        is_open = options.get("nullable", "True") == "True" or "server_default" in options
        assert is_open, f"{path.name}: old programs do not write {ast.unparse(column)}"
    for index in _calls(tree, "create_index"):
        table = index.args[1]
        is_unique = any(word.arg == "unique" for word in index.keywords)
        if is_unique and isinstance(table, ast.Constant) and table.value not in created:
            assert "nullable=True" in text, (
                f"{path.name}: a unique index on what old programs write"
            )
    constants = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert not [text for text in constants if text.upper().startswith(WORDS)], path.name


def test_the_rule_refuses_what_removes(tmp_path: Path) -> None:
    for number, line in enumerate(
        (
            'op.drop_column("users", "name")',
            'op.add_column("users", Column("level", Integer(), nullable=False))',
            'op.execute("DROP TABLE users")',
            'op.alter_column("users", "name", nullable=False)',
        )
    ):
        path = tmp_path / f"v99{number}0_next.py"
        path.write_text(f"def upgrade():\n    {line}\n", encoding="utf-8")
        with pytest.raises(AssertionError, match=path.name):
            test_a_revision_only_adds(path)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_method and node.func.attr == name:
            yield node


def _added_columns(tree: ast.AST) -> Iterator[ast.Call]:
    for call in _calls(tree, "add_column"):
        for node in ast.walk(call):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Column":
                yield node


async def test_each_revision_keeps_what_the_schema_before_offered(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'oms.sqlite3'}")
    await greenlet_spawn(_apply_one_by_one, engine)
    engine.dispose()


def _apply_one_by_one(engine: Engine) -> None:
    before: dict[str, Any] = {}
    for version in (BASELINE, *(path.name[1:5] for path in REVISIONS)):
        with engine.begin() as connection:
            _upgrade_to(connection, version)
        with engine.connect() as connection:
            after = _schema(connection)
        for table, columns in before.items():
            assert table in after, (version, table)
            assert columns.keys() <= after[table].keys(), (version, table)
            for name, column in after[table].items():
                is_kept = name in columns and column == columns[name]
                is_open = name not in columns and (column["nullable"] or column["has_default"])
                assert is_kept or is_open, (version, table, name)
        before = after
    assert len(before) > 50


def _upgrade_to(connection: Connection, version: str) -> None:
    folders = [str(folder) for folder in migration_runner.VERSION_FOLDERS]
    location = str(Path(migration_runner.__file__).parents[1] / "migrations")
    scripts = ScriptDirectory(location, version_locations=folders)
    with EnvironmentContext(
        Config(), scripts, fn=lambda revision, _: scripts._upgrade_revs(version, revision)
    ) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


def _schema(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    return {
        table: {
            column["name"]: {
                "type": str(column["type"]),
                "nullable": column["nullable"],
                "has_default": column["default"] is not None,
            }
            for column in found.get_columns(table)
        }
        for table in found.get_table_names()
    }


async def test_rows_of_the_recorded_release_are_written_and_read(
    store: SqlStore, place: Any
) -> None:
    """INSERT, UPDATE and SELECT with the columns, and the indexes, that its statements name."""
    is_sqlite = place.is_sqlite
    for table, recorded in RELEASE["tables"].items():
        columns = list(recorded["columns"])
        values = [_value(kind, is_sqlite) for kind in recorded["columns"].values()]
        with connect(place.url) as connection:
            cursor = connection.cursor()
            if not is_sqlite:
                cursor.execute("SET foreign_key_checks = 0")
            mark = ", ".join(["?" if is_sqlite else "%s"] * len(columns))
            names = ", ".join(columns)
            cursor.execute(f"DELETE FROM {table}")
            cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({mark})", values)
            cursor.execute(f"UPDATE {table} SET " + ", ".join(f"{n} = {n}" for n in columns))
            cursor.execute(f"SELECT {names} FROM {table}")
            assert len(cursor.fetchall()) == 1, table
            connection.rollback()
    query = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'"
    if not is_sqlite:
        query = (
            "SELECT table_name, index_name FROM information_schema.statistics"
            " WHERE table_schema = DATABASE()"
        )
    indexes = {
        (table, index) for table, each in RELEASE["tables"].items() for index in each["indexes"]
    }
    assert indexes <= set(fetch_rows(place.url, query)), "statements name them"


def _value(kind: str, is_sqlite: bool) -> Any:
    match kind:
        case "time":
            return "2026-01-01T00:00:00.000000Z" if is_sqlite else "2026-01-01 00:00:00"
        case "date":
            return "2026-01-01"
        case "number":
            return 1
        case _:
            return "1"


async def test_a_program_works_on_a_later_schema_until_one_removes_something(
    store: SqlStore, place: Any
) -> None:
    (version,) = fetch_rows(place.url, "SELECT version_num FROM alembic_version")[0]
    execute(place.url, "DELETE FROM schema_support")
    execute(place.url, "INSERT INTO schema_support (oldest_program) VALUES ('0014')")
    assert await store.supports_program(version)
    assert await store.supports_program("0049"), "one that was released before"
    assert not await store.supports_program("9999"), "its revisions are not applied yet"
    execute(place.url, "UPDATE schema_support SET oldest_program = '0050'")
    assert not await store.supports_program("0049")
    assert await store.supports_program(version)
