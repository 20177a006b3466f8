"""Calls as the package makes them: no exception, ``last_error`` says why one failed.

One connection per process, as in the package. Several threads may call; ``last_error`` is that of
the last call of any of them.
"""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from mt5_driver.constants import RES_E_INVALID_PARAMS, RES_S_OK
from mt5_driver.errors import CallFailed
from mt5_driver.session import Session, no_connection

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
_SUCCESS = (RES_S_OK, "Success")


class Terminal:
    """The connection of this process and its last error."""

    def __init__(self) -> None:
        self.session: Session | None = None
        self.last_error: tuple[int, str] = _SUCCESS

    def connect(self, session: Session | None) -> None:
        """Replaces the connection, closing the one before."""
        if self.session is not None:
            self.session.client.close()
        self.session = session


TERMINAL = Terminal()


def connected_call(
    function: Callable[Concatenate[Session, Parameters], Result],
) -> Callable[Parameters, Result | None]:
    """Makes a function of the package of one that takes the session; a failure is ``None``."""

    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if TERMINAL.session is None:
            raise no_connection()
        return function(TERMINAL.session, *args, **kwargs)

    reported: Callable[Parameters, Result | None] = _reported(run, function, None, skipped=1)
    return reported


def terminal_call(function: Callable[Parameters, bool]) -> Callable[Parameters, bool]:
    """Makes a function of the package that needs no connection; a failure is ``False``."""
    reported: Callable[Parameters, bool] = _reported(function, function, False, skipped=0)
    return reported


def _reported(run: Any, function: Any, failure: Any, *, skipped: int) -> Any:
    expected = signature(function)
    public = list(expected.parameters.values())[skipped:]
    shown = expected.replace(parameters=public)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            shown.bind(*args, **kwargs)
        except TypeError:
            TERMINAL.last_error = (RES_E_INVALID_PARAMS, "Invalid arguments")
            return failure
        try:
            result = run(*args, **kwargs)
        except CallFailed as failed:
            TERMINAL.last_error = (failed.code, failed.text)
            return failure
        TERMINAL.last_error = _SUCCESS
        return result

    call.__signature__ = shown  # type: ignore[attr-defined]
    return call
