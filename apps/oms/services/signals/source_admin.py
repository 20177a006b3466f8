"""Administration of signal sources: create, change, renew credentials."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from oms.domain.errors import Conflict, Invalid, NotFound
from oms.domain.signals.signal import SignalKind
from oms.domain.signals.source import SignalSource, default_settings
from oms.domain.value import evolve, value
from oms.ports.audit_log import AuditContext
from oms.ports.clock import Clock
from oms.ports.signals.signal_sources import SignalSources
from oms.ports.vault import NoMasterKey, Vault
from oms.services.signals.authenticate_source import SECRET_FIELD, hash_token, new_token
from oms.wire.signals.source_requests import RotateSource
from oms.wire.signals.source_settings import apply_settings


@value
class SourceCredentials:
    """A source with the credentials made for it; ``None``: unchanged."""

    source: SignalSource
    path_token: str | None
    secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSourceAdmin:
    """Changes sources; every method raises ``Unavailable``, ``Conflict``."""

    sources: SignalSources
    vault: Vault
    clock: Clock

    async def find(self, source_id: int) -> SignalSource:
        """Return a source. Raises ``NotFound``."""
        source = await self.sources.find(source_id)
        if source is None:
            raise NotFound(f"there is no signal source {source_id}")
        return source

    async def create(
        self, fields: Mapping[str, Any], audit_context: AuditContext
    ) -> SourceCredentials:
        """Store a new source with a path token, and with a secret if one is sent or asked for.

        Raises ``NotFound``, ``Invalid``.
        """
        kind, token = SignalKind(fields["kind"]), new_token()
        secret = new_token() if fields.get("generate_secret") else fields.get("secret")
        source_id = await self.sources.next_id()
        source = SignalSource(
            id=source_id,
            name=fields["name"],
            kind=kind,
            account_id=fields.get("account_id"),
            account_group_id=fields.get("account_group_id"),
            strategy_id=fields.get("strategy_id", 0),
            settings=apply_settings(default_settings(kind), fields),
            api_key_ids=tuple(sorted(set(fields.get("api_key_ids", ())))),
            token_hash=hash_token(token),
            sealed_secret=self._sealed(source_id, secret),
            created_at=audit_context.at,
            updated_at=audit_context.at,
        )
        _check(source)
        await self.sources.create(source, audit_context)
        return SourceCredentials(source=source, path_token=token, secret=secret)

    async def change(
        self, source_id: int, fields: Mapping[str, Any], audit_context: AuditContext
    ) -> SignalSource:
        """Change settings of a source. Raises ``NotFound``, ``Invalid``."""
        before = await self.find(source_id)
        changes = {name: fields[name] for name in ("name", "strategy_id") if name in fields}
        if "api_key_ids" in fields:
            changes["api_key_ids"] = tuple(sorted(set(fields["api_key_ids"])))
        if "status" in fields:
            changes["is_active"] = fields["status"] == "active"
        if fields.get("account_id") is not None:
            changes |= {"account_id": fields["account_id"], "account_group_id": None}
        elif fields.get("account_group_id") is not None:
            changes |= {"account_group_id": fields["account_group_id"], "account_id": None}
        after = evolve(
            before,
            **changes,
            settings=apply_settings(before.settings, fields),
            updated_at=self._later(before, audit_context.at),
        )
        _check(after)
        await self.sources.change(before, after, "change_signal_source", audit_context)
        return after

    async def rotate(
        self, source_id: int, request: RotateSource, audit_context: AuditContext
    ) -> SourceCredentials:
        """Renew path token or secret; the values before count for ``keep_seconds``.

        Raises ``NotFound``.
        """
        before, at = await self.find(source_id), audit_context.at
        has_secret = before.sealed_secret is not None or request.new_secret is not None
        token = new_token() if request.path_token else None
        secret = (request.new_secret or new_token()) if request.secret and has_secret else None
        keeps = request.keep_seconds > 0
        after = evolve(
            before,
            token_hash=before.token_hash if token is None else hash_token(token),
            old_token_hash=before.token_hash if keeps and token is not None else None,
            sealed_secret=self._sealed(source_id, secret) or before.sealed_secret,
            old_sealed_secret=before.sealed_secret if keeps and secret is not None else None,
            rotate_until=at + timedelta(seconds=request.keep_seconds) if keeps else None,
            updated_at=self._later(before, at),
        )
        await self.sources.change(before, after, "rotate_signal_source", audit_context)
        return SourceCredentials(source=after, path_token=token, secret=secret)

    def _sealed(self, source_id: int, secret: str | None) -> str | None:
        if secret is None:
            return None
        try:
            return self.vault.seal(source_id, SECRET_FIELD, secret)
        except NoMasterKey as error:
            raise Conflict(f"there is no signal key: {error}") from error

    @staticmethod
    def _later(before: SignalSource, at: datetime) -> datetime:
        """Return a time that differs from that of the last change."""
        return max(at, before.updated_at + timedelta(microseconds=1))


def _check(source: SignalSource) -> None:
    """Raise ``Invalid`` for a source that no sender could use."""
    if source.settings.require_signature and source.sealed_secret is None:
        raise Invalid("require_signature needs a secret", reason="require_signature")
