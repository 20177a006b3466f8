"""Administration of bots: their terms are checked here, and what callers want of them is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from oms.domain.access import Permission, Principal, refuse
from oms.domain.account import Account, Environment
from oms.domain.bots.bot import Bot, BotMode, BotTerms
from oms.domain.bots.decision import BotEvent
from oms.domain.errors import Forbidden, Invalid, NotFound
from oms.domain.market.timeframe import Timeframe
from oms.ports.admin.strategies import Strategies
from oms.ports.audit_log import AuditContext
from oms.ports.market.account_symbols import AccountSymbols
from oms.ports.market.candle_store import InstrumentStore
from oms.ports.registry import Registry
from oms.ports.runner.bots import BotEventQuery, BotStore
from oms.services.research.known_strategies import KnownStrategies, check_strategy
from oms.strategies.catalog import Number
from oms.wire.bots.bot_requests import BotRequest
from oms.wire.strategies.parameters_json import hash_parameters

Value = TypeVar("Value")

_MONTH_SECONDS = 31 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class BotAdmin:
    """Creates, changes, starts and stops bots for callers that may automate their accounts.

    Every method raises ``Unavailable``; those on one bot raise ``NotFound`` also for one that the
    caller may not see, and ``Forbidden`` for one that he may see and not automate.
    """

    store: BotStore
    registry: Registry
    strategies: Strategies
    symbols: AccountSymbols
    instruments: InstrumentStore
    known: KnownStrategies

    async def create(
        self, principal: Principal, request: BotRequest, audit_context: AuditContext
    ) -> Bot:
        """Store a new bot, idle. Raises ``Invalid``, ``Conflict``, ``Forbidden``, ``NotFound``."""
        terms = await self._terms(principal, request, None)
        return await self.store.create(terms, audit_context)

    async def change(
        self, principal: Principal, bot_id: int, request: BotRequest, audit_context: AuditContext
    ) -> Bot:
        """Change a bot at rest. Raises ``Invalid``, ``Conflict``, ``Forbidden``, ``NotFound``."""
        before = await self.automated(principal, bot_id)
        terms = await self._terms(principal, request, before.terms)
        return _require(await self.store.change(bot_id, terms, audit_context), bot_id)

    async def delete(self, principal: Principal, bot_id: int, audit_context: AuditContext) -> None:
        """Delete a bot at rest with its history. Raises ``Conflict``."""
        await self.automated(principal, bot_id)
        if not await self.store.delete(bot_id, audit_context):
            raise _unknown(bot_id)

    async def start(self, bot: Bot, audit_context: AuditContext) -> Bot:
        """Store that a bot is wanted to run. Raises ``Conflict``, ``Invalid``, ``NotFound``.

        What it refers to is checked again: it may have changed since the bot was stored.
        """
        await self._check(bot.terms)
        changed = await self.store.set_desired(bot.id, audit_context, is_running=True)
        return _require(changed, bot.id)

    async def restart(
        self, principal: Principal, bot: Bot, request: BotRequest, audit_context: AuditContext
    ) -> Bot:
        """Store that a bot is wanted to restart, with the given fields changed.

        It is started if it is at rest. Raises ``Invalid``, ``Conflict``, ``Forbidden``,
        ``NotFound``.
        """
        terms = await self._terms(principal, request, bot.terms)
        return _require(await self.store.restart(bot.id, terms, audit_context), bot.id)

    async def stop(self, bot: Bot, audit_context: AuditContext, *, closes_positions: bool) -> Bot:
        """Store that a bot is wanted to stop. Raises ``NotFound``."""
        changed = await self.store.set_desired(
            bot.id, audit_context, is_running=False, closes_positions=closes_positions
        )
        return _require(changed, bot.id)

    async def automated(self, principal: Principal, bot_id: int) -> Bot:
        """Return a bot that the caller may automate."""
        bot = await self.readable(principal, bot_id)
        _require_automate(principal, bot.terms.account_id, bot.terms.strategy_id)
        return bot

    async def readable(self, principal: Principal, bot_id: int) -> Bot:
        """Return a bot that the caller may see. Raises ``NotFound``."""
        bot = await self.store.find(bot_id)
        if bot is None or not _may_see(principal, bot):
            raise _unknown(bot_id)
        return bot

    async def all_readable(self, principal: Principal) -> Sequence[Bot]:
        """Return the bots that the caller may see, by id."""
        return [bot for bot in await self.store.all() if _may_see(principal, bot)]

    async def events(self, principal: Principal, query: BotEventQuery) -> Sequence[BotEvent]:
        """Return rows of the history of a bot, the newest first. Raises ``NotFound``."""
        await self.readable(principal, query.bot_id)
        return await self.store.events(query)

    async def is_live(self, bot: Bot) -> bool:
        """Return whether the account of a bot trades real money. Raises ``NotFound``."""
        return (await self._account(bot.terms.account_id)).environment is Environment.LIVE

    async def _terms(
        self, principal: Principal, request: BotRequest, before: BotTerms | None
    ) -> BotTerms:
        """Return the checked terms of a request; what it does not name is that of ``before``."""
        account_id = _given(request.account_id, before.account_id if before else None)
        strategy_id = _given(request.strategy_id, before.strategy_id if before else None)
        _require_automate(principal, account_id, strategy_id)
        account = await self._account(account_id)
        strategy = await self.known.find(
            _given(request.strategy, before.strategy if before else None)
        )
        timeframe = _given(request.timeframe, before.timeframe if before else None)
        parameters = check_strategy(strategy, timeframe, _parameters(request, before))
        is_same_account = before is not None and before.account_id == account_id
        stored = before.exchange if before is not None and is_same_account else account.venue
        lag = None if before is None or request.timeframe is not None else before.max_lag_seconds
        terms = BotTerms(
            name=_given(request.name, before.name if before else None),
            strategy=strategy.name,
            version=request.version or strategy.version,
            parameters=parameters,
            params_hash=hash_parameters(parameters),
            account_id=account_id,
            strategy_id=strategy_id,
            exchange=request.exchange or stored,
            symbols=_given(request.symbols, before.symbols if before else None),
            timeframe=timeframe,
            sizing=_given(request.sizing, before.sizing if before else None),
            mode=request.mode or (BotMode.TRADE if before is None else before.mode),
            allow_short=_flag(request.allow_short, before is not None and before.allow_short),
            max_lag_seconds=request.max_lag_seconds or lag or _one_bar(timeframe),
            **_percents(request, before),
        )
        await self._check(terms)
        return terms

    async def _check(self, terms: BotTerms) -> None:
        """Check what the terms refer to. Raises ``Invalid``, ``NotFound``."""
        strategy = await self.known.find(terms.strategy)
        if terms.version != strategy.version:
            message = f"strategy {strategy.name} has version {strategy.version}"
            raise Invalid(f"{message}, not {terms.version}", reason="unknown_version")
        check_strategy(strategy, terms.timeframe, terms.parameters)
        known = await self.symbols(terms.account_id)
        for symbol in terms.symbols:
            if symbol not in known:
                message = f"the account does not trade {symbol!r}"
                raise Invalid(message, reason="unknown_symbol")
            if await self.instruments.find(terms.exchange, symbol) is None:
                message = f"no candles of {symbol!r} at {terms.exchange!r} are stored"
                raise Invalid(f"{message}; add the instrument first", reason="unknown_instrument")
        rows = {row.id: row for row in await self.strategies.all()}
        row = rows.get(terms.strategy_id)
        if row is None or row.status != "active" or terms.account_id not in row.account_ids:
            message = f"strategy_id={terms.strategy_id} is no active strategy of the account"
            raise Invalid(message, code="invalid_strategy_id")

    async def _account(self, account_id: int) -> Account:
        rows = await self.registry.accounts([account_id])
        if not rows:
            raise NotFound(f"account_id={account_id}", code="account_not_found")
        return rows[0].account


def _parameters(request: BotRequest, before: BotTerms | None) -> dict[str, str | Number]:
    """Return what was sent; a change of the strategy begins with its defaults."""
    if request.parameters is not None:
        return dict(request.parameters)
    is_same = before is not None and request.strategy in (None, before.strategy)
    return dict(before.parameters) if before is not None and is_same else {}


def _percents(request: BotRequest, before: BotTerms | None) -> dict[str, Decimal | None]:
    """Return the percentages that were sent, else those of before."""
    names = ("stop_loss_pct", "take_profit_pct", "stop_trailing_pct")
    return {name: request.percents.get(name, getattr(before, name, None)) for name in names}


def _one_bar(timeframe: Timeframe) -> int:
    length = timeframe.length
    return _MONTH_SECONDS if length is None else int(length.total_seconds())


def _given(sent: Value | None, before: Value | None) -> Value:
    value = before if sent is None else sent
    assert value is not None, "a new bot has all required fields"
    return value


def _flag(sent: bool | None, before: bool) -> bool:
    return before if sent is None else sent


def _require_automate(principal: Principal, account_id: int, strategy_id: int) -> None:
    refused = refuse(principal, Permission.AUTOMATE, account_id, (strategy_id,))
    if refused is not None:
        raise Forbidden(refused.message, code=refused.code)


def _may_see(principal: Principal, bot: Bot) -> bool:
    terms = bot.terms
    return refuse(principal, Permission.READ, terms.account_id, (terms.strategy_id,)) is None


def _require(bot: Bot | None, bot_id: int) -> Bot:
    if bot is None:
        raise _unknown(bot_id)
    return bot


def _unknown(bot_id: int) -> NotFound:
    return NotFound(f"there is no bot {bot_id}")
