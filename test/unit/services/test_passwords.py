"""Passwords: parameters, lengths, and the dummy hash."""

import pytest
from argon2 import extract_parameters

from oms.domain.errors import Invalid
from oms.services.access.passwords import DUMMY_HASH, MEMORY_KIB, PARALLELISM, TIME_COST, Passwords


async def test_a_hash_holds_its_parameters_and_matches_one_password() -> None:
    passwords = Passwords()
    stored = await passwords.hash("ten chars!")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches(stored, "ten chars!")
    assert not await passwords.matches(stored, "ten chars?")
    assert not await passwords.matches(stored, "")
    assert await passwords.hash("ten chars!") != stored
    assert not passwords.needs_rehash(stored)


@pytest.mark.parametrize("password", ["", "123456789", "x" * 257])
async def test_weak_passwords(password: str) -> None:
    with pytest.raises(Invalid) as wrong:
        await Passwords().hash(password)
    assert wrong.value.code == "weak_password"


@pytest.mark.parametrize("password", ["x" * 10, "x" * 256, "ünïcödé \ud800 words"])
async def test_accepted_passwords(password: str) -> None:
    passwords = Passwords()
    assert await passwords.matches(await passwords.hash(password), password)


async def test_a_longer_password_does_not_match_by_its_prefix() -> None:
    passwords = Passwords()
    stored = await passwords.hash("x" * 256)
    assert not await passwords.matches(stored, "x" * 257)
    assert not await passwords.matches(stored, "x" * 100_000)


def test_the_dummy_hash_has_the_same_cost() -> None:
    parameters = extract_parameters(DUMMY_HASH)
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (
        MEMORY_KIB,
        TIME_COST,
        PARALLELISM,
    )
    assert (parameters.memory_cost >= 19 * 1024, parameters.time_cost, parameters.parallelism) == (
        True,
        2,
        1,
    )


@pytest.mark.parametrize("stored", [None, "", "plain text", "$argon2id$broken"])
async def test_invalid_hashes_match_nothing(stored: str | None) -> None:
    passwords = Passwords()
    assert not await passwords.matches(stored, "no-user-has-this-password-0000")
    assert not await passwords.matches(stored, "plain text")
