"""Authentication: lookup by hash, caching, and one answer for all invalid keys."""

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
    """A clock that is moved manually, and the one that is never set back."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, tzinfo=UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds


class Keys:
    """A registry that has one key and counts lookups."""

    def __init__(self) -> None:
        self.lookups: list[str] = []
        self.known: dict[str, Principal] = {hash_key("good"): PRINCIPAL}

    async def principal(self, key_hash: str, now: datetime) -> Principal | None:
        self.lookups.append(key_hash)
        await asyncio.sleep(0)
        return self.known.get(key_hash)

    principal_of_session = principal


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticate_key(keys: Keys, clock: Clock) -> Authenticate:
    return Authenticate(
        registry=cast(Registry, keys), clock=clock, cache_seconds=2, monotonic=clock.monotonic
    )


async def test_a_key_is_cached_and_read_again(
    authenticate_key: Authenticate, keys: Keys, clock: Clock
) -> None:
    for _ in range(3):
        assert await authenticate_key("good") is PRINCIPAL
    assert len(keys.lookups) == 1
    keys.known.clear()
    clock.seconds += 2
    with pytest.raises(Unauthenticated):
        await authenticate_key("good")


async def test_a_clock_that_is_set_back_keeps_no_disabled_key(
    authenticate_key: Authenticate, keys: Keys, clock: Clock
) -> None:
    await authenticate_key("good")
    keys.known.clear()
    clock.time -= timedelta(hours=1)
    clock.seconds += 2
    with pytest.raises(Unauthenticated):
        await authenticate_key("good")


async def test_concurrent_lookups_share_one_query(
    authenticate_key: Authenticate, keys: Keys
) -> None:
    await asyncio.gather(*(authenticate_key("good") for _ in range(50)))
    assert len(keys.lookups) == 1


@pytest.mark.parametrize("key", ["bad", "x" * 600, "\ud800", "ü"])
async def test_invalid_keys(authenticate_key: Authenticate, key: str) -> None:
    with pytest.raises(Unauthenticated) as wrong:
        await authenticate_key(key)
    assert wrong.value.code == "invalid_api_key"


@pytest.mark.parametrize("key", [None, ""])
async def test_no_key(authenticate_key: Authenticate, keys: Keys, key: str | None) -> None:
    with pytest.raises(Unauthenticated) as wrong:
        await authenticate_key(key)
    assert wrong.value.code == "missing_api_key"
    assert not keys.lookups


async def test_a_session_that_does_not_count_is_cached(
    authenticate_key: Authenticate, keys: Keys, clock: Clock
) -> None:
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await authenticate_key.session("ses_ended")
    assert len(keys.lookups) == 1
    clock.seconds += 3
    with pytest.raises(Unauthenticated):
        await authenticate_key.session("ses_ended")
    assert len(keys.lookups) == 2


async def test_invalidation_drops_the_cache(authenticate_key: Authenticate, keys: Keys) -> None:
    await authenticate_key("good")
    authenticate_key.forget()
    await authenticate_key("good")
    assert len(keys.lookups) == 2


async def test_the_cache_is_bounded(
    authenticate_key: Authenticate, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authenticate, "KEYS_CACHED_MAX", 3)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            await authenticate_key(f"bad-{number}")
    assert len(authenticate_key._cache) == 3
