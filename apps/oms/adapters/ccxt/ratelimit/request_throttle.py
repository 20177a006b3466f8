"""The request throttle of one client: waits before a request, and applies what its reply reports.

Private requests count for (venue, key), public ones for (venue, address); at some venues all
requests count for the address, and orders for their account as well. Budgets of an address are
shared by all workers, and those of a key where several accounts use it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
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
    read_number,
    read_remaining,
    read_used_share,
)
from oms.adapters.ccxt.venues.order_batches import OrderLimit
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
_DEADLINE: ContextVar[float | None] = ContextVar("ccxt_deadline", default=None)


@contextmanager
def use_priority(priority: Priority) -> Iterator[None]:
    """Requests inside have this priority, whatever their method."""
    token = _PRIORITY.set(priority)
    try:
        yield
    finally:
        _PRIORITY.reset(token)


@contextmanager
def send_within(seconds: float) -> Iterator[None]:
    """Requests inside are sent within ``seconds``, or not at all."""
    token = _DEADLINE.set(monotonic() + seconds)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def get_deadline() -> float | None:
    """Returns the monotonic time set by ``send_within``."""
    return _DEADLINE.get()


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
        self._profile = get_profile(venue)
        self._address_limit = self._profile.address_limit
        self._order_limits = self._profile.order_limits

    def apply_order_limits(self, limits: Sequence[OrderLimit]) -> None:
        """Use the limits on new orders that the venue reported; others stay as documented."""
        reported = {each.key: each for each in limits}
        merged = {each.key: each for each in self._order_limits} | reported
        self._order_limits = tuple(merged.values())
        for each in reported.values():
            bucket = self._buckets.get(self._order_bucket_name(each))
            if bucket is not None:
                bucket.set_limit(each.orders / (each.seconds if self._is_key_shared else 1))

    def expected_wait(self, *, api: str, path: str, orders: int, cost: float) -> float:
        """Returns the seconds until so many new orders could be sent by one request."""
        waits = [each.expected_wait(orders) for _, each in self._order_buckets(api, path)]
        if (path_bucket := self._path_bucket(api, path)) is not None:
            waits.append(path_bucket.expected_wait(orders))
        if self._address_limit is not None:
            groups = [each for each in self._address_limit.groups if api.startswith(each)]
            names = [f"{self._address_prefix} {each}" for each in groups] or [self._address_prefix]
            cost = cost if orders > 1 else self._address_limit.order_cost
        else:
            names, cost = [self._key_prefix], self._cost(cost)
        buckets = [each for each in map(self._buckets.get, names) if each is not None]
        return max([*waits, *(each.expected_wait(cost) for each in buckets)], default=0.0)

    async def wait(
        self, call: CallContext | None, *, api: str, path: str, cost: float, per_second: float
    ) -> None:
        """Wait until the request may be sent. Raises ``NotSent``, ``ReadFailed`` if that takes too
        long.

        ``api`` is ccxt's name of the called part of the venue's API.
        """
        api = api.lower()
        bucket, cost = self._bucket_for(api, per_second), self._cost(cost)
        priority = Priority.SNAPSHOT if call is None else call.priority
        is_write = call is not None and call.is_write
        orders = 0 if call is None else call.orders
        if call is not None:
            call.bucket, call.path_bucket_name = bucket, f"{self._key_prefix} {path}"
            call.order_buckets = list(self._order_buckets(api, path)) if orders else []
        if bucket.pause_seconds_left > (WRITE_SECONDS_MAX if is_write else READ_PAUSE_SECONDS_MAX):
            raise _throttled_error(bucket, is_write=is_write)
        deadline = monotonic() + WRITE_SECONDS_MAX if is_write else None
        if call is not None and call.deadline is not None and deadline is not None:
            deadline = min(deadline, call.deadline)
        if is_write and orders <= 1 and self._address_limit is not None:
            cost = min(cost, self._address_limit.order_cost)
        try:
            for _, each in call.order_buckets if call is not None else ():
                await each.take(priority, orders, deadline)
            if (path_bucket := self._path_bucket(api, path)) is not None:
                await path_bucket.take(priority, max(orders, 1), deadline)
            await bucket.take(priority, cost, deadline)
        except DeadlinePassed:
            raise _throttled_error(bucket, is_write=is_write) from None

    def _order_buckets(self, api: str, path: str) -> Iterator[tuple[str, RateLimitBucket]]:
        """The buckets of new orders of this API, with the header that says their use."""
        for limit in self._order_limits:
            if not limit.path and limit.applies_to(api, path):
                bucket = self._buckets.get_or_create(
                    self._order_bucket_name(limit),
                    limit.orders,
                    seconds=limit.seconds,
                    is_shared=self._is_key_shared,
                )
                yield limit.used_header, bucket

    def _path_bucket(self, api: str, path: str) -> RateLimitBucket | None:
        """The bucket of a path that counts by itself."""
        name = f"{self._key_prefix} {path}"
        for limit in self._order_limits:
            if limit.path and limit.applies_to(api, path):
                return self._buckets.get_or_create(
                    name, limit.orders, seconds=limit.seconds, is_shared=self._is_key_shared
                )
        return self._buckets.get(name)

    def _order_bucket_name(self, limit: OrderLimit) -> str:
        if limit.path:
            return f"{self._key_prefix} {limit.path}"
        return f"{self._key_prefix} {limit.api} orders {limit.seconds:g}s"

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
        for header, each in call.order_buckets:
            counted = read_number(headers, header)
            if counted is not None and not self._is_key_shared:
                each.set_used(counted)
        limit, remaining = read_limit(self._venue, headers), read_remaining(self._venue, headers)
        if limit is not None:
            # The limit is that of the requested path; the venue reports nothing of the key as a
            # whole: reads say how much it may do, not the lower limit on new orders.
            of_path = self._buckets.get_or_create(call.path_bucket_name, limit)
            for each in (of_path,) if call.orders else (bucket, of_path):
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
