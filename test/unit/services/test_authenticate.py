"""Keys: looked up by hash, believed for a while, one answer for all that do not count."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from oms.domain.access import Principal, Role
from oms.domain.errors import Unauthenticated
from oms.ports.registry import Registry
from oms.services.access import authenticate
from oms.services.access.authenticate import Authenticate, hash_key

PRINCIPAL = Principal(user_id=1, user_name="t", api_key_id=2, role=Role.TRADER)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Keys:
    """A registry that knows one key and counts questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.known: dict[str, Principal] = {hash_key("good"): PRINCIPAL}

    async def principal(self, key_hash: str, now: datetime) -> Principal | None:
        self.asked.append(key_hash)
        await asyncio.sleep(0)
        return self.known.get(key_hash)


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def who(keys: Keys, clock: Clock) -> Authenticate:
    return Authenticate(registry=cast(Registry, keys), clock=clock, cache_seconds=2)


async def test_a_key_is_read_once_in_a_while(who: Authenticate, keys: Keys, clock: Clock) -> None:
    for _ in range(3):
        assert await who("good") is PRINCIPAL
    assert len(keys.asked) == 1
    keys.known.clear()
    clock.time += timedelta(seconds=2)
    with pytest.raises(Unauthenticated):
        await who("good")


async def test_many_at_once_ask_once(who: Authenticate, keys: Keys) -> None:
    await asyncio.gather(*(who("good") for _ in range(50)))
    assert len(keys.asked) == 1


@pytest.mark.parametrize("key", ["bad", "x" * 600, "\ud800", "ü"])
async def test_what_does_not_count(who: Authenticate, key: str) -> None:
    with pytest.raises(Unauthenticated) as wrong:
        await who(key)
    assert wrong.value.code == "invalid_api_key"


@pytest.mark.parametrize("key", [None, ""])
async def test_no_key(who: Authenticate, keys: Keys, key: str | None) -> None:
    with pytest.raises(Unauthenticated) as wrong:
        await who(key)
    assert wrong.value.code == "missing_api_key"
    assert not keys.asked


async def test_forgotten_at_once(who: Authenticate, keys: Keys) -> None:
    await who("good")
    who.forget()
    await who("good")
    assert len(keys.asked) == 2


async def test_the_memory_is_bounded(
    who: Authenticate, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticate, "KEYS_CACHED_MAX", 3)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            await who(f"bad-{number}")
    assert len(who._known) == 3
