"""Users, keys and permits: the reads and the writes of ``ports.people.People``."""

from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.audited import Audited, Traced
from oms.adapters.sql.errors import Duplicate
from oms.adapters.sql.people_steps import (
    disable_tokens,
    end_tokens_of_user,
    guard_last_admin,
    insert_key,
    key_for_change,
    put_password,
    put_permit,
    user_for_change,
)
from oms.adapters.sql.rows import access
from oms.adapters.sql.rows.people import (
    KEY_JOINED,
    KEY_SELECTED,
    USER_SELECTED,
    key_of,
    restrictions_in,
    told_key,
    user_of,
)
from oms.adapters.sql.session import Session
from oms.domain.errors import Conflict
from oms.ports.audit_log import Hand
from oms.ports.people import KeyChange, KeyRow, NewKey, Permit, PermitRow, UserChange
from oms.ports.registry import AuditEntry, UserRow
from oms.wire.json import dumps

KEYS_ASKED_MAX = 500


class SqlPeople(Audited):
    """``ports.people.People``."""

    async def users(self) -> Sequence[UserRow]:
        """All users, ascending."""
        found = await self._database.rows(f"SELECT {USER_SELECTED} FROM users ORDER BY id")
        return [user_of(row, self._dialect) for row in found]

    async def keys(self, user_id: int | None = None) -> Sequence[KeyRow]:
        """All keys, or the user's, ascending."""
        where = "" if user_id is None else f" WHERE k.user_id = {self._dialect.mark}"
        values = () if user_id is None else (user_id,)
        text = f"SELECT {KEY_SELECTED} FROM {KEY_JOINED}{where} ORDER BY k.id"
        return [key_of(row, self._dialect) for row in await self._database.rows(text, values)]

    async def key(self, key_id: int) -> KeyRow | None:
        """One key."""
        text = f"SELECT {KEY_SELECTED} FROM {KEY_JOINED} WHERE k.id = {self._dialect.mark}"
        found = await self._database.rows(text, (key_id,))
        return key_of(found[0], self._dialect) if found else None

    async def permits(self, key_ids: Sequence[int]) -> Sequence[PermitRow]:
        """The permits of the keys, by key and account."""
        told: list[PermitRow] = []
        for start in range(0, len(key_ids), KEYS_ASKED_MAX):
            some = key_ids[start : start + KEYS_ASKED_MAX]

            async def work(session: Session, some: Sequence[int] = some) -> Sequence[PermitRow]:
                return await _permits(session, some)

            told += await self._database.consistent(work)
        return told

    async def rename_user(self, user_id: int, name: str, hand: Hand) -> None:
        """Raises ``Conflict``, ``NotFound``."""

        async def work(session: Session) -> Traced[None]:
            user = await user_for_change(session, user_id)
            mark = session.dialect.mark
            await session.execute(
                f"UPDATE users SET name = {mark} WHERE id = {mark}", (name, user_id)
            )
            before, after = dumps({"user_name": user.name}), dumps({"user_name": name})
            entry = hand.entry("rename_user", "user", user_id, before=before, after=after)
            return None, [entry]

        try:
            await self._traced(work, hand.at)
        except Duplicate as twice:
            raise Conflict("this user name is taken") from twice

    async def change_user(self, user_id: int, change: UserChange, hand: Hand) -> int:
        """Raises ``NotFound``, ``Conflict``."""

        async def work(session: Session) -> Traced[int]:
            user = await user_for_change(session, user_id)
            role, status = change.role or user.role, change.status or user.status
            if user.role == "admin" and (role != "admin" or status != "active"):
                await guard_last_admin(session, user_id)
            mark = session.dialect.mark
            await session.execute(
                f"UPDATE users SET role = {mark}, status = {mark} WHERE id = {mark}",
                (role, status, user_id),
            )
            after: dict[str, Any] = {"role": role, "status": status}
            if change.password_hash is not None:
                await put_password(session, user_id, change.password_hash, hand.at)
                after["password"] = "changed"
            if status != "active" or change.password_hash is not None:
                await end_tokens_of_user(session, user_id, None)
            before = dumps({"role": user.role, "status": user.status})
            entry = hand.entry("change_user", "user", user_id, before=before, after=dumps(after))
            return 1, [entry]

        return await self._traced(work, hand.at)

    async def create_user(
        self,
        name: str,
        role: str,
        password_hash: str | None,
        key: NewKey,
        permits: Sequence[Permit],
        hand: Hand,
    ) -> tuple[int, int]:
        """Raises ``Conflict``, ``NotFound``, ``Invalid``."""
        await self._ids.ensure("user", 1)
        await self._ids.ensure("key", 1)
        user_id, key_id = self._ids("user"), self._ids("key")

        async def work(session: Session) -> Traced[tuple[int, int]]:
            at = session.dialect.time_in(hand.at)
            await access.USER(session, [(user_id, name, role, "active", at)])
            told = {"user_name": name, "role": role, "status": "active"}
            if password_hash is not None:
                await put_password(session, user_id, password_hash, hand.at)
                told["password"] = "set"
            entries = [hand.entry("create_user", "user", user_id, after=dumps(told))]
            entries.append(await insert_key(session, key_id, user_id, key, hand))
            entries += [await put_permit(session, key_id, permit, hand) for permit in permits]
            return (user_id, key_id), entries

        try:
            return await self._traced(work, hand.at, 2 + len(permits))
        except Duplicate as twice:
            raise Conflict("this user name is taken, or the API key is in use already") from twice

    async def create_key(self, user_id: int, key: NewKey, hand: Hand) -> int:
        """Raises ``Conflict``, ``NotFound``."""
        await self._ids.ensure("key", 1)
        key_id = self._ids("key")

        async def work(session: Session) -> Traced[int]:
            await user_for_change(session, user_id)
            return key_id, [await insert_key(session, key_id, user_id, key, hand)]

        try:
            return await self._traced(work, hand.at)
        except Duplicate as twice:
            raise Conflict("this API key is in use already") from twice

    async def change_key(self, key_id: int, change: KeyChange, hand: Hand) -> int:
        """Raises ``NotFound``."""

        async def work(session: Session) -> Traced[int]:
            key = await key_for_change(session, key_id)
            status = change.status or key.status
            label = change.label if change.label or change.clears_label else key.label
            held = change.restrictions or key.restrictions
            mark = session.dialect.mark
            await session.execute(
                f"UPDATE user_api_keys SET status = {mark}, label = {mark}, expires_at = {mark},"
                f" ip_allowlist = {mark}, max_order_notional = {mark}, max_day_notional = {mark}"
                f" WHERE id = {mark}",
                (status, label, *restrictions_in(held, session.dialect), key_id),
            )
            if status != "active":
                await disable_tokens(session, key_id)
            entry = hand.entry(
                "change_api_key",
                "api_key",
                key_id,
                before=told_key(key.label, key.status, key.restrictions),
                after=told_key(label, status, held),
            )
            return 1, [entry]

        return await self._traced(work, hand.at)

    async def permit(self, key_id: int, permit: Permit, hand: Hand) -> int:
        """Raises ``NotFound``, ``Invalid``."""

        async def work(session: Session) -> Traced[int]:
            await key_for_change(session, key_id)
            entry: AuditEntry = await put_permit(session, key_id, permit, hand)
            return 1, [entry]

        return await self._traced(work, hand.at)


async def _permits(session: Session, key_ids: Sequence[int]) -> Sequence[PermitRow]:
    marks = session.dialect.marks(len(key_ids))
    flags = ", ".join(access.FLAGS)
    rows = await session.fetch(
        f"SELECT api_key_id, account_id, status, {flags} FROM api_key_account_permissions"
        f" WHERE api_key_id IN ({marks}) ORDER BY api_key_id, account_id",
        tuple(key_ids),
    )
    listed = await session.fetch(
        "SELECT api_key_id, account_id, strategy_id FROM api_key_strategy_permissions"
        f" WHERE api_key_id IN ({marks}) AND status = 'active'",
        tuple(key_ids),
    )
    strategies: dict[tuple[int, int], set[int]] = {}
    for key_id, account_id, strategy_id in listed:
        strategies.setdefault((key_id, account_id), set()).add(strategy_id)
    return [
        PermitRow(
            api_key_id=row[0],
            account_id=row[1],
            status=row[2],
            grant=access.grant_of(row[3:], frozenset(strategies.get((row[0], row[1]), ()))),
        )
        for row in rows
    ]
