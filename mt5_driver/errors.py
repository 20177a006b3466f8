"""Failures of calls as codes and texts of ``last_error``.

No function of the package raises: ``calls`` stores a failure as the last error and returns what the
package returns then.
"""

from typing import Any

from mt5_driver.constants import (
    RES_E_AUTH_FAILED,
    RES_E_FAIL,
    RES_E_INTERNAL_FAIL_CONNECT,
    RES_E_INTERNAL_FAIL_TIMEOUT,
    RES_E_INVALID_PARAMS,
    RES_E_NOT_FOUND,
    RES_E_UNSUPPORTED,
)


class CallFailed(Exception):
    """A call that fails with a code of ``last_error``."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class GatewayError(CallFailed):
    """A response of the gateway with a status of 400 or more; ``detail`` is its error object."""

    def __init__(self, status: int, detail: dict[str, Any]) -> None:
        code, text = _terminal_error(status, detail)
        super().__init__(code, f"{text}: {detail.get('message') or status}")
        self.status = status
        self.detail = detail


class NotReached(CallFailed):
    """No connection to the gateway: nothing was sent."""

    def __init__(self, cause: object) -> None:
        super().__init__(RES_E_INTERNAL_FAIL_CONNECT, f"No IPC connection: {cause}")


class AnswerLost(CallFailed):
    """The request was sent, and its response did not arrive."""

    def __init__(self, cause: object) -> None:
        super().__init__(RES_E_INTERNAL_FAIL_TIMEOUT, f"IPC timeout: {cause}")


class TradeRefused(Exception):
    """A trade request that the driver refuses itself: a code of TRADE_RETCODE, nothing is sent."""

    def __init__(self, retcode: int, comment: str) -> None:
        super().__init__(comment)
        self.retcode = retcode
        self.comment = comment


def invalid_argument(name: str) -> CallFailed:
    """Returns the failure of an argument that has a wrong type or value."""
    return CallFailed(RES_E_INVALID_PARAMS, f'Invalid "{name}" argument')


def _terminal_error(status: int, detail: dict[str, Any]) -> tuple[int, str]:
    if status in (401, 403):
        return RES_E_AUTH_FAILED, "Terminal: Authorization failed"
    if detail.get("code") == "unsupported_func":
        return RES_E_UNSUPPORTED, "Terminal: Unsupported function"
    if status == 404:
        return RES_E_NOT_FOUND, "Terminal: Not found"
    if status == 422:
        return RES_E_INVALID_PARAMS, "Terminal: Invalid params"
    return RES_E_FAIL, "Terminal: Call failed"
