"""Revision 0017: the instruments of existing accounts at real exchanges."""

from pathlib import Path

import pytest

from kit.databases.mariadb import PrivateMariaDB
from kit.databases.sql import execute, fetch_rows
from oms.adapters.sql.maintenance import migration_runner
from oms.adapters.sql.maintenance.migration_runner import upgrade
from oms.domain.instrument import InstrumentKind
from oms.wire.instrument_codec import decode_instrument

MIGRATIONS = Path(migration_runner.__file__).parents[1] / "migrations"
AT = "'2026-01-01 00:00:00.000000'"
ORDERED = {
    1: ("AVAX/USDT:USDT", "AVAX/USDT:USDT", "BTC/USD:BTC", "XRP/USDT", "no symbol"),
    2: ("SOL/USDT",),
}


async def test_symbols_of_orders_become_instruments_on_sqlite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await check_upgrade(f"sqlite+aiosqlite:///{tmp_path / 'old.sqlite3'}", tmp_path, monkeypatch)


async def test_symbols_of_orders_become_instruments_on_mariadb(
    mariadb: PrivateMariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mariadb.drop_database("schema_instruments")
    mariadb.create_database("schema_instruments")
    await check_upgrade(mariadb.dsn("schema_instruments"), tmp_path, monkeypatch)


async def check_upgrade(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    for path in (MIGRATIONS / "versions").glob("v*.py"):
        if path.name < "v0017":
            (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(migration_runner, "VERSION_FOLDERS", (folder,))
        await upgrade(url)
    rows = [(account, symbol) for account, symbols in ORDERED.items() for symbol in symbols]
    execute(
        url,
        "INSERT INTO accounts (id, exchange_id, label, environment, created_at)"
        f" VALUES (1, 'ccxt.bybit', 'real', 'testnet', {AT})",
        "INSERT INTO accounts (id, exchange_id, label, environment, created_at)"
        f" VALUES (2, 'paper.binance', 'paper', 'paper', {AT})",
        *(
            "INSERT INTO oms_orders (id, account_id, symbol, side, order_type, status, state,"
            " is_open, qty, fees_json, created_at, updated_at) VALUES"
            f" ({number}, {account}, '{symbol}', 'buy', 'market', 'FILLED', 'FILLED', 0, '1',"
            f" '{{}}', {AT}, {AT})"
            for number, (account, symbol) in enumerate(rows, 1)
        ),
    )
    assert "0017" in (await upgrade(url)).applied

    stored = fetch_rows(url, "SELECT account_id, symbol, terms_json FROM account_instruments")
    found = {}
    for account, symbol, terms in stored:
        instrument = decode_instrument(terms)
        assert (account, instrument.symbol) == (1, symbol)
        found[symbol] = (instrument.kind, instrument.base, instrument.quote, instrument.settle)
    assert found == {
        "AVAX/USDT:USDT": (InstrumentKind.LINEAR, "AVAX", "USDT", "USDT"),
        "BTC/USD:BTC": (InstrumentKind.INVERSE, "BTC", "USD", "BTC"),
        "XRP/USDT": (InstrumentKind.SPOT, "XRP", "USDT", "USDT"),
    }
