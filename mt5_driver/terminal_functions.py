"""Functions of the package about the connection, the account and the symbols."""

from typing import Any

from mt5_driver.account_data import BUILD, build_account_info, build_terminal_info
from mt5_driver.calls import TERMINAL, connected_call, terminal_call
from mt5_driver.group_filter import make_group_filter
from mt5_driver.market_data import build_symbol_info, build_tick, read_ticker, read_tickers
from mt5_driver.numbers import whole
from mt5_driver.session import DEFAULT_TIMEOUT_MS, Session, no_connection, open_session
from mt5_driver.structures import AccountInfo, SymbolInfo, TerminalInfo, Tick

__all__ = [
    "account_info",
    "initialize",
    "last_error",
    "login",
    "shutdown",
    "symbol_info",
    "symbol_info_tick",
    "symbol_select",
    "symbols_get",
    "symbols_total",
    "terminal_info",
    "version",
]

_TERMINAL_VERSION = 500


@terminal_call
def initialize(
    path: Any = None,
    login: Any = None,
    password: Any = None,
    server: Any = None,
    timeout: Any = DEFAULT_TIMEOUT_MS,
    portable: Any = False,
) -> bool:
    """Connects to the gateway; returns whether the key may read the account.

    ``login`` is the account id, ``password`` the API key, ``server`` (or ``path``) the URL of the
    gateway; what is missing comes from the environment (``config``). ``timeout`` is in
    milliseconds. A path that is no URL, and ``portable``, have no meaning here.
    """
    TERMINAL.connect(open_session(path, login, password, server, timeout))
    return True


@terminal_call
def login(
    login: Any, password: Any = None, server: Any = None, timeout: Any = DEFAULT_TIMEOUT_MS
) -> bool:
    """Changes to another account; the connection stays as it was if that fails."""
    if TERMINAL.session is None:
        raise no_connection()
    if server is None and password is None:
        known = TERMINAL.session.credentials
        number = None if login is None else whole(login, "login")
        is_named = number in TERMINAL.session.settings.logins
        password, server = (None, None) if is_named else (known.api_key, known.base_url)
    TERMINAL.connect(open_session(None, login, password, server, timeout))
    return True


@terminal_call
def shutdown() -> bool:
    """Closes the connection."""
    TERMINAL.connect(None)
    return True


@connected_call
def version(session: Session) -> tuple[int, int, str]:
    """Returns 500, the build of the package whose interface this is, and the gateway's version."""
    answer = session.client.get("/version")
    return _TERMINAL_VERSION, BUILD, f"{answer['name']} {answer['version']}"


def last_error() -> tuple[int, str]:
    """Returns code and text of the last call; ``(1, 'Success')`` if it did not fail."""
    return TERMINAL.last_error


@connected_call
def account_info(session: Session) -> AccountInfo:
    """Returns the account, ``None`` also while its balance or equity is not known."""
    return build_account_info(session)


@connected_call
def terminal_info(session: Session) -> TerminalInfo:
    """Returns the gateway as a terminal."""
    return build_terminal_info(session)


@connected_call
def symbols_total(session: Session) -> int:
    """Returns the number of symbols."""
    return len(session.catalog.all())


@connected_call
def symbols_get(session: Session, group: str = "*") -> tuple[SymbolInfo, ...]:
    """Returns the symbols of a group (``*,!EUR``) by name."""
    belongs = make_group_filter(group)
    chosen = [each for each in session.catalog.all() if belongs(each.name)]
    tickers = read_tickers(session, chosen)
    rates: dict[str, Any] = {}
    return tuple(
        build_symbol_info(session, each, tickers.get(each.symbol) or {}, rates) for each in chosen
    )


@connected_call
def symbol_info(session: Session, symbol: str) -> SymbolInfo:
    """Returns a symbol with its current prices."""
    instrument = session.instrument(symbol)
    return build_symbol_info(session, instrument, read_ticker(session, instrument), {})


@connected_call
def symbol_info_tick(session: Session, symbol: str) -> Tick:
    """Returns the current prices of a symbol."""
    instrument = session.instrument(symbol)
    return build_tick(instrument, read_ticker(session, instrument))


@terminal_call
def symbol_select(symbol: str, enable: bool = True) -> bool:
    """Shows a symbol in the market watch, or hides it; all are shown at first."""
    if TERMINAL.session is None:
        raise no_connection()
    instrument = TERMINAL.session.instrument(symbol)
    if enable:
        TERMINAL.session.hidden.discard(instrument.name)
    else:
        TERMINAL.session.hidden.add(instrument.name)
    return True
