"""``Driver``: base class with the account, ccxt's attributes and the handling of unknown names.

It does no I/O: a subclass runs the request flows. A method name that trades is implemented by a
subclass or refused, so that no order bypasses the gateway; any other unknown name is a call of
that name on the account's exchange.
"""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn

from ccxt_driver.api_urls import build_urls, is_redirected
from ccxt_driver.capabilities import (
    HAS,
    OMS_ID,
    OMS_NAME,
    PRESUMED_HAS,
    build_description,
    expand_features,
    merge_has,
)
from ccxt_driver.ccxt_static_methods import static_method
from ccxt_driver.config import Config
from ccxt_driver.errors import driver_error
from ccxt_driver.exchange_rules import ExchangeRules, find_rules, section_options
from ccxt_driver.markets import TICK_SIZE, Markets
from ccxt_driver.naming import (
    CamelCaseAliases,
    is_implicit,
    is_remote,
    is_trading,
    snake_case,
)
from ccxt_driver.sansio import read_flows
from ccxt_driver.sansio.flow import CallContext, Flow
from ccxt_driver.sansio.market_types import arguments_of_type
from ccxt_driver.structures import CCXT, StructureBuilder

#: Options that choose markets; the account's exchange has defaults of them.
_TYPE_OPTIONS = ("defaultType", "defaultSubType")


_DECIMAL = re.compile(r"-?\d+(?:\.\d+)?")


def utc_now() -> datetime:
    """Returns the current time, aware."""
    return datetime.now(UTC)


class Driver(CamelCaseAliases):
    """One account of a gateway; each public method of a subclass exists in camelCase too."""

    id = OMS_ID
    name = OMS_NAME
    #: Converts the decimal text of amounts and prices; ``str`` keeps them exact.
    number: Any = float
    own_has: Mapping[str, bool] = HAS
    version = "oms"
    certified = False
    pro = False
    #: The gateway limits the request rate itself; ccxt's attribute exists for programs that set it.
    enableRateLimit = True
    rateLimit = 0
    verbose = False
    newUpdates = True
    #: ccxt's attributes that have no meaning here, with the values of an exchange without them.
    secret = password = uid = login = token = twofa = privateKey = walletAddress = ""
    hostname: Any = None
    userAgent: Any = None
    session: Any = None
    alias = False
    countries: Sequence[str] = ()
    last_http_response: Any = None
    last_json_response: Any = None
    last_response_headers: Any = None

    def __init__(self, config: Config) -> None:
        self.account_id = config.account_id
        self.strategy_id = config.strategy_id
        self.base_url = config.base_url
        self.timeout_seconds = config.timeout_seconds
        self.dialect = config.dialect
        #: The id of ccxt's class that this object stands for, else that of the account's exchange.
        self._exchange_id = str((config.options.get("oms") or {}).get("exchange") or "")
        self.options = {**section_options(self._exchange_id), **config.options}
        presumed = PRESUMED_HAS if config.dialect == CCXT else {}
        self.has: dict[str, Any] = {**presumed, **self.own_has}
        self.apiKey = config.api_key
        self.urls: dict[str, Any] = build_urls(self.base_url, config.urls)
        self.isSandboxModeEnabled = False
        self.headers: dict[str, str] = {}
        self.requiredCredentials = {"apiKey": True, "secret": False}
        self.limits: dict[str, Any] = {}
        self.api: dict[str, Any] = {}
        self.exceptions: dict[str, Any] = {}
        self.balance: dict[str, Any] = {}
        self.trades: dict[str, Any] = {}
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
        #: The last watched data, as in ccxt.pro: by symbol, candles also by timeframe.
        self.tickers: dict[str, Any] = {}
        self.bidsasks: dict[str, Any] = {}
        self.orderbooks: dict[str, Any] = {}
        self.ohlcvs: dict[str, dict[str, list[Any]]] = {}
        #: Whether the account is known not to be live.
        self._is_test_account = False
        self._loaded_markets: Markets | None = None
        self._contract_sizes: Mapping[str, Decimal] = {}
        self._remote_description: Mapping[str, Any] | None = None
        #: The ``defaultType`` of the account's exchange, once it is known.
        self._exchange_type: str | None = None
        self._clock = utc_now
        vars(self).update(config.attributes)
        if config.is_sandbox:
            self.set_sandbox_mode(True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(account_id={self.account_id}, base_url={self.base_url!r})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if is_trading(name):
            return partial(self._refuse, name)
        if name.endswith(("_ws", "Ws")):
            return getattr(self, name.removesuffix("_ws").removesuffix("Ws"))
        function = static_method(name, self)
        if function is not None:
            return function
        if is_remote(name):
            return self._remote_method(name)
        if is_implicit(name):
            return partial(self._refuse_implicit, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def timeout(self) -> int:
        """The response timeout in milliseconds, as in ccxt."""
        return int(self.timeout_seconds * 1000)

    def _run(self, flow: Flow[Any]) -> Any:
        """Runs a flow; returns its result, or an awaitable of it."""
        raise NotImplementedError

    def _run_market(self, flow: Flow[Any]) -> Any:
        """Runs a flow that queries the exchange; a subclass may run these another way."""
        return self._run(flow)

    def _remote_method(self, name: str) -> Any:
        """Returns the callable for a name that the driver does not define."""
        return partial(self._call_remote, name)

    def _call_remote(self, func: str, *args: Any, **kwargs: Any) -> Any:
        return self._run(self._remote_flow(func, args, kwargs))

    def _remote_flow(self, func: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Flow[Any]:
        """Calls a method of the account's exchange for the markets that the arguments mean."""
        resolved = yield from self._resolve_known(args)
        named = {}
        for name, value in kwargs.items():
            named[name] = value if name == "params" else (yield from self._resolve_known(value))
        plain_name = snake_case(func)
        arguments, named = arguments_of_type(plain_name, resolved, named, self._chosen_type)
        return (yield from read_flows.call(self._context(), plain_name, arguments, named))

    def _resolve_known(self, value: Any) -> Flow[Any]:
        """Returns an argument with ids and symbols replaced by what they mean here."""
        raise NotImplementedError

    def _lacks_sizes(self, structures: Sequence[Any]) -> bool:
        """Whether structures are of contracts whose sizes were not loaded yet."""
        raise NotImplementedError

    def _load_for_symbols(self) -> Flow[None]:
        """Loads the markets and the description of the exchange."""
        raise NotImplementedError

    def set_sandbox_mode(self, enabled: bool) -> None:
        """Requires an account that is not live: the environment belongs to the account.

        With ``True`` the first order, edit or ``close_position`` checks it, and raises
        ``NotSupported`` for a live account.
        ``urls`` change as in ccxt; a program that edits ``urls["api"]`` itself requires the same.
        """
        self._choose_urls("test", "apiBackup", bool(enabled))
        self.isSandboxModeEnabled = bool(enabled)

    def enable_demo_trading(self, enable: bool) -> None:
        """As ``set_sandbox_mode``. Raises ``NotSupported`` in sandbox mode, as ccxt."""
        if self.isSandboxModeEnabled:
            message = "demo trading is not supported in sandbox mode"
            raise driver_error("NotSupported", message, code="environment_not_supported")
        self._choose_urls("demo", "apiBackupDemoTrading", bool(enable))
        self.options["enableDemoTrading"] = enable

    def _choose_urls(self, environment: str, backup: str, is_chosen: bool) -> None:
        """Replaces ``urls["api"]`` and keeps the replaced ones, or restores them."""
        if is_chosen:
            self.urls[backup] = copy(self.urls["api"])
            self.urls["api"] = copy(self.urls[environment])
        elif backup in self.urls:
            self.urls["api"] = self.urls.pop(backup)

    @property
    def _needs_test_account(self) -> bool:
        return not self._is_test_account and is_redirected(self.urls)

    def call_ccxt(self, func: str, *args: Any, **kwargs: Any) -> Any:
        """Calls a ccxt method on the account's exchange, if the gateway permits it."""
        return self._run(read_flows.call(self._context(), snake_case(func), args, kwargs))

    def load_has(self, refresh: bool = False) -> Any:
        """Returns the capabilities of the account, requested once. Sets ``has``."""
        return self._run(self._load_has(refresh))

    def describe(self) -> Any:
        """Returns id, name, ``has``, and the exchange's timeframes and features."""
        return self._run(self._describe())

    def _load_has(self, refresh: bool) -> Flow[dict[str, Any]]:
        if refresh or self._remote_description is None:
            result = yield from read_flows.call(self._context(), "describe", (), {})
            self._set_description(result if isinstance(result, dict) else {})
        return self.has

    def _set_description(self, remote: Mapping[str, Any]) -> None:
        self._remote_description = remote
        self.has = merge_has(self.own_has, remote.get("has"), type(self))
        self.timeframes = dict(remote.get("timeframes") or {})
        self.features = expand_features(remote.get("features") or {})
        self.fees = self._with_numbers(remote.get("fees") or self.fees)
        self.precisionMode = remote.get("precisionMode") or TICK_SIZE
        self._exchange_id = self._exchange_id or str(remote.get("id") or "")
        options = remote.get("options") or {}
        defaults = {name: options[name] for name in _TYPE_OPTIONS if options.get(name)}
        self.options = {**defaults, **self.options}
        self._exchange_type = options.get("defaultType")

    def _with_numbers(self, value: Any) -> Any:
        """Returns a structure of the exchange with its decimal texts as numbers."""
        if isinstance(value, Mapping):
            return {name: self._with_numbers(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._with_numbers(each) for each in value]
        is_decimal = isinstance(value, str) and _DECIMAL.fullmatch(value) is not None
        return self.number(value) if is_decimal else value

    def _describe(self) -> Flow[dict[str, Any]]:
        has = yield from self._load_has(False)
        return build_description(has, self._remote_description or {})

    @property
    def _chosen_type(self) -> str | None:
        """The program's ``defaultType``; ``None`` where it is that of the account's exchange."""
        chosen = self.options.get("defaultType") if self.dialect == CCXT else None
        return None if chosen == self._exchange_type else chosen

    @property
    def _rules(self) -> ExchangeRules:
        return find_rules(self._exchange_id)

    def _refuse(self, name: str, *args: Any, **kwargs: Any) -> NoReturn:
        message = f"{name} is not supported: it would bypass the gateway"
        raise driver_error("NotSupported", message, code="not_supported")

    def _refuse_implicit(self, name: str, *args: Any, **kwargs: Any) -> NoReturn:
        message = f"{name} is not supported: the gateway offers no raw requests of the exchange"
        raise driver_error("NotSupported", message, code="not_supported")

    def _context(self) -> CallContext:
        return CallContext(
            account_id=self.account_id,
            strategy_id=self.strategy_id,
            timeout_seconds=self.timeout_seconds,
            structures=StructureBuilder(
                number=self.number, dialect=self.dialect, contract_sizes=self._contract_sizes
            ),
            clock=self._clock,
        )
