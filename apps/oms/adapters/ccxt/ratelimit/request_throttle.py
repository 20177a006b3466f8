"""The request throttle of one client: waits before a request, and applies what its reply reports.

Private requests count for (venue, key), public ones for (venue, address); at some venues all
requests count for the address, and orders for their account as well. Budgets of an address are
shared by all workers, and those of a key where several accounts use it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic, time
from types import MappingProxyType
from typing import Any

from oms.adapters.ccxt.client.http_session import CallContext
from oms.adapters.ccxt.client.request_errors import NotSent, Overloaded, ReadFailed, RequestError
from oms.adapters.ccxt.ratelimit.rate_bucket import (
    CANCEL_SHARE,
    DeadlinePassed,
    Priority,
    RateLimitBucket,
    RateLimitBuckets,
    counts_requests,
    read_limit,
    read_remaining,
    read_used_share,
)
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.adapters.ccxt.venues.venue_errors import OVERLOAD

#: A write waits this long at most; then its sender decides again.
WRITE_SECONDS_MAX = 10.0
#: A read does not start to wait for a longer pause.
READ_PAUSE_SECONDS_MAX = 30.0
BAN_STATUS = 418
_METHODS: Mapping[str, Priority] = {
    "create_order": Priority.OPEN,
    "edit_order": Priority.OPEN,
    "fetch_order": Priority.LOOKUP,
    "fetch_my_trades": Priority.HISTORY,
    "fetch_closed_orders": Priority.HISTORY,
    "fetch_canceled_and_closed_orders": Priority.HISTORY,
}
_OVERLOAD_ERRORS = (Overloaded, ReadFailed)
_PRIORITY: ContextVar[Priority | None] = ContextVar("ccxt_priority", default=None)


@contextmanager
def use_priority(priority: Priority) -> Iterator[None]:
    """Requests inside have this priority, whatever their method."""
    token = _PRIORITY.set(priority)
    try:
        yield
    finally:
        _PRIORITY.reset(token)


def get_priority(
    method: str, *, is_write: bool, kwargs: Mapping[str, Any] = MappingProxyType({})
) -> Priority:
    """Returns the priority set by ``use_priority``, else the usual one of a ccxt method."""
    current = _PRIORITY.get()
    if current is not None:
        return current
    if method.startswith("cancel"):
        return Priority.CANCEL
    if is_write and (kwargs.get("params") or {}).get("reduceOnly") is True:
        return Priority.REDUCE
    return _METHODS.get(method, Priority.OPEN if is_write else Priority.SNAPSHOT)


class RequestThrottle:
    """``buckets`` are those of the process: clients of one key share theirs."""

    def __init__(
        self,
        buckets: RateLimitBuckets,
        *,
        venue: str,
        environment: str,
        api_key: str,
        is_key_shared: bool = False,
    ) -> None:
        self._buckets = buckets
        self._is_key_shared = is_key_shared
        self._venue = venue
        key_hash = hashlib.sha256(api_key.encode()).hexdigest()[:16]
        prefix = f"{venue}.{environment}"
        self._address_prefix = f"{prefix} address"
        self._key_prefix = f"{prefix} key {key_hash}"
        self._address_limit = get_profile(venue).address_limit

    async def wait(
        self, call: CallContext | None, *, api: str, path: str, cost: float, per_second: float
    ) -> None:
        """Wait until the request may be sent. Raises ``NotSent``, ``ReadFailed`` if that takes too
        long.

        ``api`` is ccxt's name of the called part of the venue's API.
        """
        name = f"{self._key_prefix} {path}"
        bucket, cost = self._bucket_for(api.lower(), per_second), self._cost(cost)
        priority = Priority.SNAPSHOT if call is None else call.priority
        is_write = call is not None and call.is_write
        if call is not None:
            call.bucket, call.path_bucket_name = bucket, name
        if bucket.pause_seconds_left > (WRITE_SECONDS_MAX if is_write else READ_PAUSE_SECONDS_MAX):
            raise _throttled_error(bucket, is_write=is_write)
        deadline = monotonic() + WRITE_SECONDS_MAX if is_write else None
        try:
            if is_write and self._address_limit is not None:
                await self._bucket_named(self._key_prefix, per_second).take(
                    priority, cost, deadline
                )
                cost = min(cost, self._address_limit.order_cost)
            if (path_bucket := self._buckets.get(name)) is not None:
                await path_bucket.take(priority, cost, deadline)
            await bucket.take(priority, cost, deadline)
        except DeadlinePassed:
            raise _throttled_error(bucket, is_write=is_write) from None

    def _bucket_for(self, api: str, per_second: float) -> RateLimitBucket:
        """The bucket that a request to this API counts for."""
        if self._address_limit is not None:
            for group, allowed in self._address_limit.groups.items():
                if api.startswith(group):
                    return self._bucket_named(f"{self._address_prefix} {group}", allowed)
        is_for_address = self._address_limit is not None or "public" in api
        return self._bucket_named(
            self._address_prefix if is_for_address else self._key_prefix, per_second
        )

    def _bucket_named(self, name: str, per_second: float) -> RateLimitBucket:
        is_shared = self._is_key_shared or name.startswith(self._address_prefix)
        return self._buckets.get_or_create(name, per_second, is_shared=is_shared)

    def record_reply(self, call: CallContext, error: RequestError | None) -> None:
        """Apply the rate limit data of a reply; a pause is written into ``error``."""
        bucket = call.bucket
        if bucket is None or call.reply is None:
            return
        headers = call.reply.headers
        if error is not None and error.code == OVERLOAD and isinstance(error, _OVERLOAD_ERRORS):
            has_retry_after = any(name.lower() == "retry-after" for name in headers)
            seconds = error.retry_after if has_retry_after else None
            error.retry_after = bucket.pause(seconds, is_ban=call.reply.status == BAN_STATUS)
            return
        bucket.record_success()
        limit, remaining = read_limit(self._venue, headers), read_remaining(self._venue, headers)
        if limit is not None:
            # The limit is that of the requested path; the venue reports nothing of the key as a
            # whole.
            for each in (bucket, self._buckets.get_or_create(call.path_bucket_name, limit)):
                each.set_limit(limit)
                each.set_remaining(limit if remaining is None else remaining)
        used = read_used_share(self._venue, call.reply.url, headers)
        if used is not None and used >= 1 - CANCEL_SHARE:
            bucket.reserve_for_cancels(60 - time() % 60)

    def _cost(self, cost: float) -> float:
        """1 where the venue's limits count requests."""
        return 1.0 if counts_requests(self._venue) else cost


def _throttled_error(bucket: RateLimitBucket, *, is_write: bool) -> RequestError:
    message, pause = "the rate limit is exhausted", max(bucket.pause_seconds_left, 1.0)
    more: dict[str, Any] = {"retry_after": pause, "headers_sent": False}
    if is_write:
        return NotSent(OVERLOAD, message, **more)
    return ReadFailed(OVERLOAD, message, retryable=True, **more)
