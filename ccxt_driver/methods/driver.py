"""What every driver class is: its account, its attributes, and what happens to unknown names.

Nothing here talks to the gateway: a subclass says how a plan is carried out. And nothing goes
around the gateway: a name that trades is a method of a subclass, or it is refused. Any other name
is a call of the same name on the account's exchange.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, NoReturn

from ccxt_driver.capabilities import (
    HAS,
    OMS_ID,
    OMS_NAME,
    PRESUMED_HAS,
    build_description,
    merge_has,
)
from ccxt_driver.ccxt_static_methods import static_method
from ccxt_driver.config import Config
from ccxt_driver.errors import driver_error
from ccxt_driver.markets import TICK_SIZE, Markets
from ccxt_driver.naming import CamelCaseAliases, is_trading, snake_case
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import CallContext, Flow
from ccxt_driver.structures import CCXT, StructureBuilder


def utc_now() -> datetime:
    """The time, aware."""
    return datetime.now(UTC)


class Driver(CamelCaseAliases):
    """One account of a gateway; each public method of a subclass exists in camelCase too."""

    id = OMS_ID
    name = OMS_NAME
    #: Makes a value of the decimal text of amounts and prices; ``str`` keeps them exact.
    number: Any = float
    own_has: Mapping[str, bool] = HAS
    version = "oms"
    certified = False
    pro = False
    #: The gateway counts its own budgets; ccxt's switch is there for who sets it.
    enableRateLimit = True
    rateLimit = 0
    verbose = False
    newUpdates = True

    def __init__(self, config: Config) -> None:
        self.account_id = config.account_id
        self.strategy_id = config.strategy_id
        self.base_url = config.base_url
        self.timeout_seconds = config.timeout_seconds
        self.dialect = config.dialect
        self.options = dict(config.options)
        presumed = PRESUMED_HAS if config.dialect == CCXT else {}
        self.has: dict[str, Any] = {**presumed, **self.own_has}
        self.apiKey = config.api_key
        self.timeframes: dict[str, Any] = {}
        self.features: dict[str, Any] = {}
        self.fees: dict[str, Any] = {"trading": {}, "funding": {}}
        self.precisionMode = TICK_SIZE
        self.paddingMode = 5
        self.markets: dict[str, Any] | None = None
        self.markets_by_id: dict[str, Any] | None = None
        self.symbols: list[str] | None = None
        self.ids: list[str] | None = None
        self.currencies: dict[str, Any] = {}
        self.currencies_by_id: dict[str, Any] = {}
        #: What was watched last, as ccxt.pro keeps it: by symbol, candles also by timeframe.
        self.tickers: dict[str, Any] = {}
        self.orderbooks: dict[str, Any] = {}
        self.ohlcvs: dict[str, dict[str, list[Any]]] = {}
        self._loaded: Markets | None = None
        self._remote: Mapping[str, Any] | None = None
        self._clock = utc_now

    def __repr__(self) -> str:
        return f"{type(self).__name__}(account_id={self.account_id}, base_url={self.base_url!r})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if is_trading(name):
            return partial(self._refuse, name)
        return static_method(name) or self._remote_method(name)

    @property
    def timeout(self) -> int:
        """How long an answer is awaited, in milliseconds as ccxt counts."""
        return int(self.timeout_seconds * 1000)

    def _run(self, plan: Flow[Any]) -> Any:
        """Carry out a plan; its result, or an awaitable of it."""
        raise NotImplementedError

    def _run_market(self, plan: Flow[Any]) -> Any:
        """The same for what is asked of the exchange, where that makes a difference."""
        return self._run(plan)

    def _remote_method(self, name: str) -> Any:
        """What a name that is nobody's does: the exchange is called."""
        return partial(self.call_ccxt, name)

    def call_ccxt(self, func: str, *args: Any, **kwargs: Any) -> Any:
        """Call a ccxt method on the account's exchange; the gateway judges whether it may be."""
        return self._run(read_flows.call(self._terms(), snake_case(func), args, kwargs))

    def load_has(self, refresh: bool = False) -> Any:
        """What can be done on this account; asked once, then remembered. Sets ``has``."""
        return self._run(self._load_has(refresh))

    def describe(self) -> Any:
        """Id, name, ``has``, and the exchange's timeframes and features."""
        return self._run(self._describe())

    def _load_has(self, refresh: bool) -> Flow[dict[str, Any]]:
        if refresh or self._remote is None:
            told = yield from read_flows.call(self._terms(), "describe", (), {})
            self._take_description(told if isinstance(told, dict) else {})
        return self.has

    def _take_description(self, remote: Mapping[str, Any]) -> None:
        self._remote = remote
        self.has = merge_has(self.own_has, remote.get("has"), type(self))
        self.timeframes = dict(remote.get("timeframes") or {})
        self.features = dict(remote.get("features") or {})
        self.fees = dict(remote.get("fees") or self.fees)
        self.precisionMode = remote.get("precisionMode") or TICK_SIZE

    def _describe(self) -> Flow[dict[str, Any]]:
        has = yield from self._load_has(False)
        return build_description(has, self._remote or {})

    def _refuse(self, name: str, *args: Any, **kwargs: Any) -> NoReturn:
        message = f"{name} is not supported: it would go around the gateway"
        raise driver_error("NotSupported", message, code="not_supported")

    def _terms(self) -> CallContext:
        return CallContext(
            account_id=self.account_id,
            strategy_id=self.strategy_id,
            timeout_seconds=self.timeout_seconds,
            shapes=StructureBuilder(number=self.number, dialect=self.dialect),
            clock=self._clock,
        )
