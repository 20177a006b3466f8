"""Users, keys, permissions and accounts; each change with its audit row."""

from datetime import timedelta

import pytest

from kit.databases.sql import execute, fetch_rows
from kit.databases.store_rows import AUDIT, NOON, an_account
from oms.adapters.sql.store import SqlStore
from oms.domain.access import Grant, Role
from oms.domain.account import Environment
from oms.domain.errors import Conflict, Invalid, NotFound
from oms.domain.risk.policy import PolicyScope
from oms.domain.risk.policy_keys import PRESETS
from oms.ports.registry import ExchangeSettings

FULL = Grant(
    can_read=True,
    can_trade=True,
    can_close_position=True,
    restrict_to_strategies=True,
    strategy_ids=frozenset({3, 5}),
)


def url_of(place: object) -> str:
    url: str = place.url  # type: ignore[attr-defined]
    return url


async def a_user(store: SqlStore, name: str = "ann", role: str = "trader") -> int:
    row, created = await store.registry.create_user(name=name, role=role, now=NOON, audit=AUDIT)
    assert created
    return row.id


async def a_key(store: SqlStore, user_id: int, key_hash: str = "h" * 64, **more: object) -> int:
    settings: dict[str, object] = {"label": None, "expires_at": None} | more
    return await store.registry.create_key(
        user_id=user_id,
        key_hash=key_hash,
        key_prefix="oms_abc",
        now=NOON,
        audit=AUDIT,
        **settings,  # type: ignore[arg-type]
    )


async def test_user_is_created_once(store: SqlStore) -> None:
    user_id = await a_user(store)

    again, created = await store.registry.create_user(
        name="ann", role="admin", now=NOON, audit=AUDIT
    )

    assert (again.id, again.role, created) == (user_id, "trader", False)
    assert again == await store.registry.user("ann")
    assert await store.registry.user("Ann") is None


async def test_key_identifies_the_principal_and_its_grants(store: SqlStore) -> None:
    user_id = await a_user(store)
    key_id = await a_key(store, user_id)
    account_id, other = await an_account(store), await an_account(store)
    for account, grant in ((account_id, FULL), (other, Grant())):
        await store.registry.grant(
            user_id=user_id, account_id=account, grant=grant, now=NOON, audit=AUDIT
        )

    principal = await store.registry.principal("h" * 64, NOON)

    assert principal is not None
    assert (principal.user_id, principal.user_name) == (user_id, "ann")
    assert (principal.api_key_id, principal.role) == (key_id, Role.TRADER)
    assert principal.grants == {account_id: FULL, other: Grant()}
    assert principal == await store.registry.principal_of(key_id, NOON)
    assert await store.registry.principal("H" * 64, NOON) is None
    assert await store.registry.principal_of(key_id + 99, NOON) is None


async def test_repeated_grant_replaces_the_first(store: SqlStore) -> None:
    user_id = await a_user(store)
    key_id = await a_key(store, user_id)
    account_id = await an_account(store)
    for grant in (FULL, Grant(can_read=True, strategy_ids=frozenset({5, 6}))):
        await store.registry.grant(
            user_id=user_id, account_id=account_id, grant=grant, now=NOON, audit=AUDIT
        )

    principal = await store.registry.principal_of(key_id, NOON)

    assert principal is not None
    assert principal.grants == {account_id: Grant(strategy_ids=frozenset({5, 6}))}


async def test_new_keys_get_the_users_template(store: SqlStore) -> None:
    user_id = await a_user(store)
    account_id = await an_account(store)
    await store.registry.grant(
        user_id=user_id,
        account_id=account_id,
        grant=Grant(can_trade=True, can_risk_manage=True),
        now=NOON,
        audit=AUDIT,
    )

    first, second = await a_key(store, user_id, "1" * 64), await a_key(store, user_id, "2" * 64)

    principal = await store.registry.principal("2" * 64, NOON)
    assert principal is not None
    assert principal.grants[account_id] == Grant(
        can_trade=True,
        can_close_position=True,
        can_risk_manage=True,
        can_block_new_positions=True,
        can_block_account=True,
    )
    assert list(await store.registry.keys_of(user_id)) == [first, second]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE user_api_keys SET status = 'disabled'",
        "UPDATE users SET status = 'disabled'",
        "DELETE FROM user_api_keys",
    ],
)
async def test_disabled_key_or_user_has_no_principal(
    store: SqlStore, place: object, statement: str
) -> None:
    user_id = await a_user(store)
    await a_key(store, user_id)

    execute(url_of(place), statement)

    assert await store.registry.principal("h" * 64, NOON) is None


async def test_key_expires(store: SqlStore) -> None:
    await a_key(store, await a_user(store), expires_at=NOON + timedelta(microseconds=1))

    assert await store.registry.principal("h" * 64, NOON) is not None
    assert await store.registry.principal("h" * 64, NOON + timedelta(microseconds=1)) is None


async def test_unknown_role_is_read_only_and_disabled_grant_is_ignored(
    store: SqlStore, place: object
) -> None:
    user_id = await a_user(store)
    await a_key(store, user_id)
    account_id = await an_account(store)
    await store.registry.grant(
        user_id=user_id, account_id=account_id, grant=FULL, now=NOON, audit=AUDIT
    )

    execute(
        url_of(place),
        "UPDATE users SET role = 'emperor'",
        "UPDATE api_key_account_permissions SET status = 'disabled'",
    )

    principal = await store.registry.principal("h" * 64, NOON)
    assert principal is not None
    assert (principal.role, principal.grants) == (Role.READONLY, {})


async def test_key_is_unique_and_needs_a_user(store: SqlStore) -> None:
    user_id = await a_user(store)
    await a_key(store, user_id)

    with pytest.raises(Conflict):
        await a_key(store, user_id)
    with pytest.raises(NotFound) as unknown:
        await a_key(store, 999_999, "x" * 64)
    assert unknown.value.code == "user_not_found"


async def test_settings_of_real_exchanges_are_listed_once(store: SqlStore) -> None:
    await an_account(store, "paper")
    for label, config in (("one", "{}"), ("two", "{}"), ("three", '{"timeout":9000}')):
        await an_account(
            store, label, config, exchange_id="ccxt.bybit", environment=Environment.TESTNET
        )
    one = ExchangeSettings(exchange_id="ccxt.bybit", environment="testnet", extra_config="{}")
    other = ExchangeSettings(
        exchange_id="ccxt.bybit", environment="testnet", extra_config='{"timeout":9000}'
    )
    found = await store.registry.exchange_settings(20)
    assert sorted(found, key=lambda each: each.extra_config) == sorted(
        [one, other], key=lambda each: each.extra_config
    )
    assert len(await store.registry.exchange_settings(1)) == 1


async def test_new_account_has_a_free_lease_and_an_empty_stream(store: SqlStore) -> None:
    account_id = await an_account(store, "first", '{"oms":{"paper":{"seed":3}}}')
    other = await an_account(store, "second")

    first, second = await store.registry.accounts()

    assert (first.account.id, first.account.label) == (account_id, "first")
    assert (first.account.paper.seed, first.extra_config) == (3, '{"oms":{"paper":{"seed":3}}}')
    assert (first.created_at, first.is_testnet, first.trader_name) == (NOON, False, None)
    assert second.account.id == other
    assert [row.account.id for row in await store.registry.accounts([other, 999])] == [other]
    assert list(await store.registry.accounts([])) == []
    assert list(await store.leases.free(10)) == [0, account_id, other]
    assert await store.history.heads([account_id]) == {account_id: 0}


async def test_new_account_has_the_limits_of_its_preset_and_one_from_before_keeps_its_own(
    store: SqlStore,
) -> None:
    before = await an_account(store, "before")
    account_id = await an_account(store, "limited", risk_preset="small")

    stored = await store.risk_policies.of_scope(PolicyScope.ACCOUNT, account_id)
    assert {limit.key: limit.setting for limit in stored.limits} == PRESETS["small"]
    assert {(limit.set_at, limit.scope_id) for limit in stored.limits} == {(NOON, account_id)}
    assert (await store.risk_policies.of_scope(PolicyScope.ACCOUNT, before)).limits == ()


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        '{"oms":{"paper":{"balances":{"USDT":"NaN"}}}}',
        '{"oms":{"paper":{"fee_currency":"gold"}}}',
        '{"oms":{"paper":{"leverage":"many"}}}',
    ],
)
async def test_invalid_settings_are_refused(store: SqlStore, config: str) -> None:
    with pytest.raises(Invalid) as refused:
        await an_account(store, extra_config=config)

    assert refused.value.code == "extra_config_refused"
    assert list(await store.registry.accounts()) == []


async def test_each_change_writes_one_audit_row(store: SqlStore, place: object) -> None:
    user_id = await a_user(store)
    key_id = await a_key(store, user_id)
    account_id = await an_account(store)
    await store.registry.grant(
        user_id=user_id, account_id=account_id, grant=FULL, now=NOON, audit=AUDIT
    )
    await store.registry.create_user(name="ann", role="trader", now=NOON, audit=AUDIT)

    found = fetch_rows(
        url_of(place), "SELECT entity_id, account_id, actor, request_id FROM audit_log ORDER BY id"
    )
    without_after = fetch_rows(url_of(place), "SELECT id FROM audit_log WHERE after_json IS NULL")
    assert without_after == []

    assert found == [
        (str(user_id), None, "test", "r"),
        (str(key_id), None, "test", "r"),
        (str(account_id), account_id, "test", "r"),
        (str(user_id), account_id, "test", "r"),
    ]
