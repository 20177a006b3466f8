"""The client of one exchange account over a ccxt object.

A write is sent at most once and ends in a reply or in one of four exceptions; a read is tried three
times. It knows neither orders nor the ledger.
"""

import asyncio
import hashlib
import inspect
import json
import logging
import random
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from oms.adapters.ccxt.client.batch_replies import count_new_orders, read_batch_reply
from oms.adapters.ccxt.client.ccxt_factory import ClientSpec, create_ccxt_exchange
from oms.adapters.ccxt.client.error_mapping import ErrorMapping, check_write_reply
from oms.adapters.ccxt.client.exchange_client import Row
from oms.adapters.ccxt.client.http_session import CURRENT_CALL, CallContext
from oms.adapters.ccxt.client.key_permissions import (
    fetch_key_owner,
    fetch_key_permissions,
    refuse_changed_owner,
    refuse_withdrawal_key,
)
from oms.adapters.ccxt.client.market_cache import (
    MarketCache,
    apply_table,
    build_instruments,
    load_saved_table,
    now_utc,
    read_order_limits,
    save_table,
    table_file_name,
)
from oms.adapters.ccxt.client.request_errors import (
    OutcomeUnknown,
    ReadFailed,
    Rejected,
    RequestError,
)
from oms.adapters.ccxt.client.venue_clock import VenueClock
from oms.adapters.ccxt.parsing.decimals import encode_decimals
from oms.adapters.ccxt.parsing.fields import require_rows
from oms.adapters.ccxt.ratelimit.request_throttle import (
    RequestThrottle,
    get_deadline,
    get_priority,
)
from oms.adapters.ccxt.streams.ws_connections import close_streams
from oms.adapters.ccxt.venues.catalog import ccxt_version
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.adapters.ccxt.venues.venue_errors import ALREADY_DONE, CLOCK_SKEW
from oms.domain.instrument import Instrument

__all__ = ["ClientSpec", "VenueClient"]

READ_ATTEMPTS_MAX = 3
RETRY_PAUSE_SECONDS = 0.25
#: A longer pause than this is left to the caller.
RETRY_PAUSE_SECONDS_MAX = 5.0

_log = logging.getLogger("oms.ccxt")


class VenueClient:
    """Opened once, closed once. ``market_cache`` is shared by the clients of one process."""

    def __init__(self, spec: ClientSpec, market_cache: MarketCache | None = None) -> None:
        self.spec = spec
        self.last_call_at: datetime | None = None
        #: The venue's id of the account, where it reports one.
        self.owner: str | None = None
        self._market_cache = market_cache or MarketCache()
        self._throttle = RequestThrottle(
            self._market_cache.buckets,
            venue=spec.venue,
            environment=spec.environment,
            api_key=spec.api_key,
            is_key_shared=spec.is_key_shared,
        )
        self._hosts: dict[str, None] = {}
        self._profile = get_profile(spec.venue)
        self._session: Any = None
        self._exchange: Any = None
        self._instruments: dict[str, Instrument] = {}
        self._clock = VenueClock(partial(self._read_with_retries, "fetch_time", (), {}))

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Spot and linear markets by unified symbol; quantities in base."""
        return self._instruments

    @property
    def exchange(self) -> Any:
        """The ccxt object, for its metadata and parsers; only this client sends with it."""
        return self._exchange

    @property
    def clock_error_ms(self) -> int:
        """Half of the duration of the last clock reading, in milliseconds."""
        return self._clock.error_ms

    @property
    def hosts_called(self) -> Sequence[str]:
        """The hosts called so far, in the order of their first call."""
        return tuple(self._hosts)

    async def open(self) -> None:
        """Creates the ccxt object, reads clock and markets, and tries the credentials.

        Raises ``NotSent``, ``Rejected`` (``auth_failed``), ``ReadFailed``; the client is closed
        then.
        """
        try:
            with self._map_errors(CallContext(is_write=False), is_write=True):
                self._exchange, self._session = await create_ccxt_exchange(
                    self.spec, self._throttle, self._record_call
                )
            await self.sync_clock()
            await self._load_markets()
            await self._initialize()
        except ReadFailed as failed:
            await self.close()
            if failed.code != "auth_failed":
                raise
            raise Rejected(
                failed.code,
                failed.message,
                reason=failed.reason,
                venue_code=failed.venue_code,
                ccxt_class=failed.ccxt_class,
            ) from None
        except BaseException:
            await self.close()
            raise

    async def write(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls one ccxt method, sent at most once; arguments may contain decimals.

        A request that the venue rejected for our clock is sent once more after the clock was read
        again. ``already_so`` is a success: ``{"info": {}, "already": True}``.

        Raises ``NotSent``, ``Rejected``, ``Overloaded``, ``OutcomeUnknown``. A cancellation passes
        through: the attempt has no outcome then, and is queried.
        """
        for is_last in (False, True):
            try:
                return await self._call_once(method, args, kwargs, is_write=True)
            except Rejected as rejected:
                if rejected.code == ALREADY_DONE:
                    return {"info": {}, "already": True}
                if rejected.code != CLOCK_SKEW or is_last:
                    raise
                await self._sync_clock_or_raise(rejected)
        raise AssertionError("the last attempt returns or raises")

    async def place_orders(
        self, orders: Sequence[Mapping[str, Any]]
    ) -> Sequence[Row | RequestError]:
        """Places several orders by one request, sent once; returns the outcome of each.

        Raises as ``write`` if the reply does not answer each of them.
        """
        client_ids = [str(each["params"]["clientOrderId"]) for each in orders]
        secrets = (self.spec.api_key, self.spec.secret, self.spec.passphrase)
        for is_last in (False, True):
            call = self._call_context("create_orders", (list(orders),), {}, is_write=True)
            failure: RequestError | None = None
            try:
                await self._call(call, "create_orders", (list(orders),), {})
            except RequestError as error:
                failure = error
            outcomes = read_batch_reply(
                self._exchange, self.spec.venue, call.reply, client_ids, secrets
            )
            if outcomes is not None:
                return outcomes
            if failure is None:
                raise OutcomeUnknown(
                    "outcome_unknown", "the reply does not answer each order", reason="unreadable"
                )
            if is_last or not isinstance(failure, Rejected) or failure.code != CLOCK_SKEW:
                raise failure
            await self._sync_clock_or_raise(failure)
        raise AssertionError("the last attempt returns or raises")

    def order_wait(self, symbol: str, orders: int) -> float:
        """Returns the seconds until one request with so many new orders could be sent."""
        batch = self._profile.order_batch
        instrument = self._instruments.get(symbol)
        if batch is None or instrument is None or instrument.kind not in batch.kinds:
            api, path, cost = "private", "", 1.0
        else:
            path = batch.batch_path if orders > 1 else batch.path
            api, cost = batch.api, batch.cost
        return self._throttle.expected_wait(api=api, path=path, orders=orders, cost=cost)

    async def read(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls one ccxt method, up to three times. Raises ``ReadFailed``.

        As a write, it is tried again after the clock was read again if that is why it was rejected.
        """
        if self._clock.is_stale():
            await self._clock.read(self._exchange, unless_since=self._clock.read_at)
        return await self._read_with_retries(method, args, kwargs)

    async def watch(self, method: str, params: Mapping[str, Any]) -> list[Row]:
        """Returns the next rows of a stream, of all symbols, as copies: ccxt changes its own.

        Dials if needed. Raises ``ReadFailed``.
        """
        call = CallContext(is_write=False)
        token = CURRENT_CALL.set(call)
        try:
            with self._map_errors(call, is_write=False):
                rows = await getattr(self._exchange, method)(None, None, None, dict(params))
                return [dict(row) for row in require_rows(rows, method)]
        finally:
            CURRENT_CALL.reset(token)

    async def close_streams(self) -> None:
        """Closes all streams; ``watch`` dials again."""
        await close_streams(self._exchange)

    async def sync_clock(self) -> None:
        """Measures the venue's clock against ours. Raises ``ReadFailed``."""
        await self._clock.read(self._exchange)

    async def close(self) -> None:
        """Closes the client for good."""
        exchange, session = self._exchange, self._session
        self._session = None
        try:
            if exchange is not None and not exchange.closed_by_user:
                exchange.timeout_on_exit = 0
                await close_streams(exchange)
                await exchange.close()
        finally:
            if session is not None:
                await session.close()

    async def _load_markets(self) -> None:
        name = self._table_name()
        async with self._market_cache.lock(name):
            if not self._market_cache.apply_shared(name, self._exchange):
                await self._load_table(name)
                self._market_cache.store(name, self._exchange)
        self._instruments = build_instruments(self._exchange, self._profile.contract_kind)
        self._throttle.apply_order_limits(read_order_limits(self._exchange))

    async def _load_table(self, name: str) -> None:
        """From disk while fresh, else from the venue, else from disk however old."""
        path = self._table_path(name)
        saved = await asyncio.to_thread(load_saved_table, path, now_utc())
        if saved is None or not saved[1]:
            try:
                await self._read_with_retries("load_markets", (), {})
            except ReadFailed as failed:
                if saved is None:
                    raise
                _log.warning("the market table of %s is outdated: %s", name, failed.message)
            else:
                await self._save(name)
                return
        assert saved is not None
        apply_table(self._exchange, saved[0])

    async def _save(self, name: str) -> None:
        """A table that cannot be stored is read again next time."""
        try:
            await asyncio.to_thread(save_table, self._table_path(name), self._exchange, now_utc())
        except OSError as failed:
            _log.warning("the market table of %s was not stored: %s", name, failed)

    def _table_name(self) -> str:
        """Accounts with URLs of their own share tables only with accounts of the same URLs."""
        url_settings = {
            key: self.spec.extra_config.get(key) for key in ("urls", "hostname", "options")
        }
        resolve = (self.spec.extra_config.get("oms") or {}).get("resolve")
        return market_table_name(
            self.spec.venue, self.spec.environment, {**url_settings, "resolve": resolve}
        )

    def _table_path(self, name: str) -> Path:
        return self.spec.cache_folder / "markets" / table_file_name(name, ccxt_version())

    async def _initialize(self) -> None:
        """Makes the calls that ccxt would make before its first write."""
        for method, args in self._profile.init_calls if self.spec.api_key else ():
            await self._read_with_retries(method, args, {})
        if self.spec.api_key:
            rights = await fetch_key_permissions(self, self.spec.venue, self.spec.environment)
            refuse_withdrawal_key(rights, self.spec.extra_config)
            owner = await fetch_key_owner(self, self.spec.venue, self.spec.environment, rights)
            refuse_changed_owner(owner, self.spec.owner, self.spec.extra_config)
            self.owner = owner

    async def _sync_clock_or_raise(
        self, refused: RequestError, *, unless_since: float | None = None
    ) -> None:
        try:
            await self._clock.read(self._exchange, unless_since=unless_since)
        except ReadFailed:
            raise refused from None

    async def _read_with_retries(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        for attempt in range(1, READ_ATTEMPTS_MAX + 1):
            began = monotonic()
            try:
                return await self._call_once(method, args, kwargs, is_write=False)
            except ReadFailed as failed:
                pause = failed.retry_after or RETRY_PAUSE_SECONDS * 2**attempt
                if (
                    not failed.retryable
                    or attempt == READ_ATTEMPTS_MAX
                    or pause > RETRY_PAUSE_SECONDS_MAX
                ):
                    raise
                refusal = failed
            if refusal.code == CLOCK_SKEW and method != "fetch_time":
                await self._sync_clock_or_raise(refusal, unless_since=began)
            else:
                await asyncio.sleep(pause * random.uniform(1.0, 1.5))
        raise AssertionError("the last attempt returns or raises")

    async def _call_once(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, is_write: bool
    ) -> Any:
        call = self._call_context(method, args, kwargs, is_write=is_write)
        return await self._call(call, method, args, kwargs)

    def _call_context(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, is_write: bool
    ) -> CallContext:
        return CallContext(
            is_write=is_write,
            priority=get_priority(method, is_write=is_write, kwargs=kwargs),
            orders=count_new_orders(method, args) if is_write else 0,
            deadline=get_deadline(),
        )

    async def _call(
        self, call: CallContext, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        is_write = call.is_write
        token = CURRENT_CALL.set(call)
        try:
            with self._map_errors(call, is_write=is_write):
                as_int = self._profile.needs_integer_amounts
                encoded = [
                    encode_decimals(value, whole_as_int=as_int)
                    for value in (list(args), dict(kwargs))
                ]
                reply = getattr(self._exchange, method)(*encoded[0], **encoded[1])
                if inspect.isawaitable(reply):  # some of ccxt's methods only compute
                    reply = await reply
                if is_write:
                    check_write_reply(method, reply)
        except RequestError as error:
            self._throttle.record_reply(call, error)
            raise
        else:
            self._throttle.record_reply(call, None)
            return reply
        finally:
            CURRENT_CALL.reset(token)

    def _map_errors(self, call: CallContext, *, is_write: bool) -> ErrorMapping:
        spec = self.spec
        secrets = (spec.api_key, spec.secret, spec.passphrase)
        return ErrorMapping(spec.venue, call, is_write=is_write, secrets=secrets)

    def _record_call(self, url: str) -> None:
        parts = urlsplit(url)
        self._hosts.setdefault(parts.netloc.lower(), None)
        self.last_call_at = now_utc()


def market_table_name(venue: str, environment: str, url_settings: Mapping[str, Any]) -> str:
    """Returns ``bybit.testnet``, with a hash behind it where the account's URLs differ."""
    own = {key: each for key, each in url_settings.items() if each}
    if not own:
        return f"{venue}.{environment}"
    text = json.dumps(own, sort_keys=True, default=str)
    return f"{venue}.{environment}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
