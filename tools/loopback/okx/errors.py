"""Error responses of the OKX dialect: a code for the request, or ``sCode`` for one of its orders.

Codes and their meanings are those of ccxt's table of exceptions (``okx.py``) and of OKX's list.
"""

from oms.simulation.events import Rejected


class ApiError(Exception):
    """The refusal of a whole request."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class OrderError(Exception):
    """The refusal of one order of a request: ``sCode`` and ``sMsg`` of its row."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def parameter_error(name: str) -> OrderError:
    """Returns the error for an invalid parameter of an order."""
    return OrderError(51000, f"Parameter {name} error")


def order_missing() -> ApiError:
    """Returns the error for an order that cannot be read."""
    return ApiError(51603, "Order does not exist")


def cancel_failed() -> OrderError:
    """Returns the error for a cancel of an order that is not open."""
    return OrderError(
        51400, "Cancellation failed as the order has been filled, canceled or does not exist."
    )


def amend_failed() -> OrderError:
    """Returns the error for an amendment of an order that is not open."""
    return OrderError(51503, "Your order has already been filled or canceled.")


def from_engine(rejected: Rejected) -> OrderError:
    """Returns the error for a rejection by the engine."""
    message = rejected.message
    match rejected.code:
        case "insufficient_funds":
            return OrderError(51008, "Order failed. Insufficient balance or margin in account.")
        case "order_not_open" | "order_not_found":
            return amend_failed()
    if "reduce-only" in message:
        return OrderError(51205, "Reduce-Only is not available.")
    if "reached the trigger" in message:
        return OrderError(51280, "SL trigger price cannot be higher than the last price.")
    return OrderError(51000, message)
