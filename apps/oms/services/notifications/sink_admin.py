"""Administration of sinks: seals their addresses and secrets, and never opens them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.errors import Conflict, Invalid, NotFound
from oms.domain.notifications.delivery import Delivery
from oms.domain.notifications.sink import Sink, SinkKind, SinkStatus
from oms.ports.audit_log import AuditContext
from oms.ports.runner.notifications import (
    SECRET_FIELD,
    URL_FIELD,
    DeliveryQuery,
    NewSink,
    SinkChange,
    SinkStore,
)
from oms.ports.vault import Sealer
from oms.wire.notifications.sink_requests import (
    SinkRequest,
    require_apprise_url,
    require_webhook_url,
)

SINKS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkAdmin:
    """Creates and changes sinks, queues messages. Every method raises ``Unavailable``."""

    store: SinkStore
    sealer: Sealer
    has_apprise: bool
    #: Whether messages may be sent to addresses that are not public.
    allow_private: bool
    #: Whether a host is written as an address that is not public.
    is_private: Callable[[str], bool]

    async def create(self, request: SinkRequest, audit_context: AuditContext) -> Sink:
        """Store a sink. Raises ``Malformed``, ``Invalid``, ``Conflict``."""
        assert request.name is not None, "it was validated"
        assert request.kind is not None, "it was validated"
        assert request.url is not None, "it was validated"
        self._check_url(request.kind, request.url)
        if request.secret is not None and request.kind is SinkKind.APPRISE:
            raise Invalid("only a webhook signs its messages", reason="secret")
        if len(await self.store.sinks()) >= SINKS_MAX:
            raise Invalid(f"at most {SINKS_MAX} sinks are allowed", reason="too_many")
        sink = _new_sink(await self.store.new_id(), request, audit_context.at, audit_context.actor)
        new = NewSink(
            sink=sink,
            url_sealed=self.sealer.seal(sink.id, URL_FIELD, request.url),
            secret_sealed=self._seal_secret(sink.id, request.secret),
        )
        return await self.store.create(new, audit_context)

    async def change(self, sink_id: int, request: SinkRequest, audit_context: AuditContext) -> Sink:
        """Change a sink. Raises ``NotFound``, ``Malformed``, ``Invalid``, ``Conflict``."""
        before = await self.get(sink_id)
        if request.url is not None:
            self._check_url(before.kind, request.url)
        if request.secret is not None and before.kind is SinkKind.APPRISE:
            raise Invalid("only a webhook signs its messages", reason="secret")
        url = request.url
        change = SinkChange(
            name=request.name,
            events=request.events,
            account_ids=request.account_ids,
            min_interval_seconds=request.min_interval_seconds,
            status=request.status,
            url_sealed=None if url is None else self.sealer.seal(sink_id, URL_FIELD, url),
            secret_sealed=self._seal_secret(sink_id, request.secret),
        )
        changed = await self.store.change(sink_id, change, audit_context)
        if changed is None:
            raise NotFound(f"there is no sink {sink_id}")
        return changed

    async def get(self, sink_id: int) -> Sink:
        """Return a sink. Raises ``NotFound``."""
        for sink in await self.store.sinks():
            if sink.id == sink_id:
                return sink
        raise NotFound(f"there is no sink {sink_id}")

    async def test(self, sink_id: int, audit_context: AuditContext) -> Delivery:
        """Queue a test message. Raises ``NotFound``, ``Conflict`` for a disabled sink."""
        await self.get(sink_id)
        delivery = await self.store.queue_test(sink_id, audit_context)
        if delivery is None:
            raise Conflict(f"the sink {sink_id} is disabled", reason="disabled")
        return delivery

    async def deliveries(self, query: DeliveryQuery) -> Sequence[Delivery]:
        """Return deliveries, the newest first."""
        return await self.store.deliveries(query)

    async def redeliver(self, delivery_id: int, audit_context: AuditContext) -> Delivery:
        """Queue a delivery again. Raises ``NotFound``, ``Conflict`` if it is queued."""
        delivery = await self.store.redeliver(delivery_id, audit_context)
        if delivery is None:
            raise NotFound(f"there is no delivery {delivery_id}")
        return delivery

    def _check_url(self, kind: SinkKind, url: str) -> None:
        if kind is SinkKind.APPRISE:
            if not self.has_apprise:
                message = "Apprise is not installed: pip install 'oms-gateway[notify]'"
                raise Invalid(message, reason="apprise_missing")
            require_apprise_url(url)
        elif self.is_private(require_webhook_url(url)) and not self.allow_private:
            message = "the address is not public; the setting notify.allow_private permits it"
            raise Invalid(message, reason="private_address")

    def _seal_secret(self, sink_id: int, secret: str | None) -> str | None:
        return None if secret is None else self.sealer.seal(sink_id, SECRET_FIELD, secret)


def _new_sink(sink_id: int, request: SinkRequest, at: datetime, actor: str) -> Sink:
    assert request.name is not None, "it was validated"
    assert request.kind is not None, "it was validated"
    return Sink(
        id=sink_id,
        name=request.name,
        kind=request.kind,
        events=request.events or (),
        account_ids=request.account_ids or (),
        min_interval_seconds=request.min_interval_seconds or 0,
        status=SinkStatus.ACTIVE,
        has_secret=request.secret is not None,
        created_at=at,
        created_by=actor,
    )
