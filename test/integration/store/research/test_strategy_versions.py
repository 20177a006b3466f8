"""Versions of strategies and the stored catalogue on every database."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from oms.adapters.sql.store import SqlStore
from oms.domain.errors import Conflict
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import evolve
from oms.strategies.catalog import Parameter
from oms.strategies.description import LoadedCatalog, LoadError, StrategyDescription

AT = datetime(2026, 1, 1, tzinfo=UTC)
CODE, OTHER_CODE = "a" * 64, "b" * 64
MINE = StrategyDescription(
    name="mine",
    version="1",
    summary="buys",
    base=None,
    higher=[Timeframe.HOURS_4],
    parameters=[
        Parameter(name="length", default=3, minimum=1, maximum=9),
        Parameter(name="pct", default=Decimal("2.5"), minimum=Decimal(1), maximum=Decimal(9)),
    ],
    warmup={Timeframe.HOUR: 4},
    source="mine.py",
    code_hash=CODE,
)


async def test_equal_parameters_are_one_version(store: SqlStore) -> None:
    versions = store.strategy_versions
    first = await versions.pin("mine", "1", CODE, {"length": 3, "pct": Decimal("2.50")}, AT)
    again = await versions.pin(
        "mine", "1", CODE, {"pct": Decimal("2.5"), "length": 3}, AT + timedelta(days=1)
    )
    other = await versions.pin("mine", "1", CODE, {"pct": Decimal("2.5"), "length": 4}, AT)

    assert again == first
    assert (first.created_at, first.checked_at) == (AT, None)
    assert other.id != first.id
    assert other.params_hash != first.params_hash
    assert await versions.find(first.id) == first
    assert await versions.find(99_999_999) is None


async def test_changed_code_under_an_old_version_is_refused(store: SqlStore) -> None:
    versions = store.strategy_versions
    await versions.pin("mine", "1", CODE, {"length": 3}, AT)
    for length in (3, 4):
        with pytest.raises(Conflict, match="has changed since its version 1 first ran") as changed:
            await versions.pin("mine", "1", OTHER_CODE, {"length": length}, AT)
        assert changed.value.reason == "code_changed"
    second = await versions.pin("mine", "2", OTHER_CODE, {"length": 3}, AT)
    assert (second.version, second.code_hash) == ("2", OTHER_CODE)
    assert len(await versions.known()) == 2


async def test_of_two_first_starts_with_different_code_one_is_refused(store: SqlStore) -> None:
    versions = store.strategy_versions
    results = await asyncio.gather(
        versions.pin("mine", "1", CODE, {"length": 3}, AT),
        versions.pin("mine", "1", OTHER_CODE, {"length": 4}, AT),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == ["Conflict", "StrategyVersion"]


async def test_equal_first_starts_at_once_store_one_version(store: SqlStore) -> None:
    pins = [store.strategy_versions.pin("mine", "1", CODE, {"length": 3}, AT) for _ in range(5)]
    found = await asyncio.gather(*pins)
    assert len({each.id for each in found}) == 1


async def test_a_passed_check_is_stored_for_its_parameters(store: SqlStore) -> None:
    versions = store.strategy_versions
    first = await versions.pin("mine", "1", CODE, {"length": 3}, AT)
    await versions.pin("mine", "1", CODE, {"length": 4}, AT)
    later = AT + timedelta(hours=1)
    await versions.record_check(first.id, later)

    stored = await versions.find(first.id)
    assert stored == evolve(first, checked_at=later)
    (known,) = await versions.known()
    assert (known.name, known.version, known.checked_at) == ("mine", "1", later)


async def test_a_catalog_replaces_the_one_before(store: SqlStore) -> None:
    stored = store.strategy_catalog
    assert await stored.read() == (LoadedCatalog(strategies=[], errors=[]), None)
    errors = [LoadError(source="bad.py", message="bad.py, line 1: SyntaxError: " + "x" * 2000)]
    built_in = evolve(MINE, name="rsi", source="built_in")
    await stored.replace(LoadedCatalog(strategies=[built_in, MINE], errors=errors), AT)

    read, loaded_at = await stored.read()
    assert (read.strategies, loaded_at) == ([MINE], AT)
    assert read.errors == [LoadError(source="bad.py", message=errors[0].message[:1000])]

    later = AT + timedelta(hours=1)
    await stored.replace(LoadedCatalog(strategies=[built_in]), later)
    assert await stored.read() == (LoadedCatalog(strategies=[], errors=[]), later)
