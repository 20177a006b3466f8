"""Settings of the driver from environment variables, and what a login of a program means.

| variable | meaning |
|---|---|
| OMS_BASE_URL | the gateway; http://127.0.0.1:8000 |
| OMS_API_KEY | the API key |
| OMS_ACCOUNT_ID | the account of programs that name no login |
| OMS_MT5_LOGINS | logins, or paths of terminals, of a program and their accounts: 5012345=1 |
| OMS_MT5_SYMBOLS | names of symbols: EURUSD=EUR/USDT:USDT*100000; @FILE reads lines of a file |
| OMS_MT5_EXECUTION | market, or instant: deals keep to price and deviation |
| OMS_MT5_NEW_MAGIC | create, or refuse: what a magic without a strategy does |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from ccxt_driver.sansio.http1 import parse_base_url
from mt5_driver.constants import RES_E_INVALID_PARAMS
from mt5_driver.errors import CallFailed, invalid_argument
from mt5_driver.gateway_client import Credentials
from mt5_driver.numbers import exact, whole

DEFAULT_BASE_URL = "http://127.0.0.1:8000"
MARKET, INSTANT = EXECUTIONS = ("market", "instant")
CREATE, REFUSE = NEW_MAGICS = ("create", "refuse")


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolName:
    """A name for a symbol of the gateway, and how much one lot is in the gateway's quantity."""

    name: str
    symbol: str
    lot_size: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says."""

    base_url: str = DEFAULT_BASE_URL
    api_key: str = ""
    account_id: int | None = None
    #: Accounts by the logins and the paths of terminals that a program contains.
    logins: Mapping[int | str, int]
    symbols: tuple[SymbolName, ...] = ()
    execution: str = MARKET
    new_magic: str = CREATE


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Returns the settings. Raises ``CallFailed`` with the name of a wrong variable."""
    try:
        account = environment.get("OMS_ACCOUNT_ID", "").strip()
        return Settings(
            base_url=environment.get("OMS_BASE_URL", "").strip() or DEFAULT_BASE_URL,
            api_key=environment.get("OMS_API_KEY", "").strip(),
            account_id=int(account) if account else None,
            logins=_read_logins(environment.get("OMS_MT5_LOGINS", "")),
            symbols=_read_symbols(environment.get("OMS_MT5_SYMBOLS", "")),
            execution=_choose(environment, "OMS_MT5_EXECUTION", EXECUTIONS),
            new_magic=_choose(environment, "OMS_MT5_NEW_MAGIC", NEW_MAGICS),
        )
    except (ValueError, OSError) as error:
        raise CallFailed(RES_E_INVALID_PARAMS, f"Invalid environment: {error}") from error


def resolve_login(
    settings: Settings,
    login: Any = None,
    password: Any = None,
    server: Any = None,
    path: str | None = None,
) -> Credentials:
    """Returns where a program's login leads.

    A login of ``logins`` is the account named there, with the key of the environment: password and
    server of the program belong to its broker and are not used. Without a login the path of a
    terminal may be listed there in the same way. Any other login is an account id,
    its password an API key, and its server a URL; what is missing comes from the environment. The
    account id is 0 if nothing names an account. Raises ``CallFailed``.
    """
    number = None if login is None else whole(login, "login")
    listed = settings.logins.get(path or "" if number is None else number)
    if listed is not None:
        return _credentials(settings.base_url, settings.api_key, listed)
    for name, value in (("password", password), ("server", server)):
        if value is not None and not isinstance(value, str):
            raise invalid_argument(name)
    is_url = isinstance(server, str) and "://" in server
    account_id = number or settings.account_id or 0
    return _credentials(
        server if is_url else settings.base_url, password or settings.api_key, account_id
    )


def _credentials(base_url: str, api_key: str, account_id: int) -> Credentials:
    try:
        parse_base_url(base_url)
    except ValueError as error:
        raise invalid_argument("server") from error
    if not api_key:
        raise invalid_argument("password")
    return Credentials(base_url=base_url.rstrip("/"), api_key=api_key, account_id=account_id)


def _choose(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    word = environment.get(name, "").strip().lower() or choices[0]
    if word not in choices:
        raise ValueError(f"{name} is one of {', '.join(choices)}, not {word!r}")
    return word


def _read_logins(text: str) -> dict[int | str, int]:
    pairs = [entry.rpartition("=") for entry in _entries(text, "OMS_MT5_LOGINS")]
    return {int(login) if login.isdigit() else login: int(account) for login, _, account in pairs}


def _read_symbols(text: str) -> tuple[SymbolName, ...]:
    if text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8")
    names = [_read_symbol(entry) for entry in _entries(text, "OMS_MT5_SYMBOLS")]
    for field in ("name", "symbol"):
        values = [getattr(each, field) for each in names]
        double = sorted({value for value in values if values.count(value) > 1})
        if double:
            raise ValueError(f"OMS_MT5_SYMBOLS has {double[0]} twice")
    return tuple(names)


def _read_symbol(entry: str) -> SymbolName:
    name, _, rest = entry.partition("=")
    symbol, star, size = rest.partition("*")
    try:
        lot_size = exact(Decimal(size.strip()), "lot") if star else Decimal(1)
    except (ArithmeticError, CallFailed) as error:
        raise ValueError(f"OMS_MT5_SYMBOLS: {size!r} is not the size of a lot") from error
    if lot_size <= 0:
        raise ValueError(f"OMS_MT5_SYMBOLS: the lot of {name} is not above zero")
    return SymbolName(name=name.strip(), symbol=symbol.strip(), lot_size=lot_size)


def _entries(text: str, variable: str) -> list[str]:
    lines = [line.partition("#")[0] for line in text.splitlines()]
    entries = [entry.strip() for entry in ",".join(lines).split(",") if entry.strip()]
    wrong = [entry for entry in entries if not all(entry.partition("="))]
    if wrong:
        raise ValueError(f"{variable}: {wrong[0]!r} is not NAME=VALUE")
    return entries
