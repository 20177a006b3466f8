"""Error responses of the Bybit dialect: codes and messages."""

from oms.simulation.events import Rejected

_SPOT = "spot"


class ApiError(Exception):
    """An error response with a ``retCode`` and a ``retMsg``."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def not_found(category: str, action: str = "cancel") -> ApiError:
    """Returns the error for a missing open order."""
    if category == _SPOT:
        return ApiError(170213, "Order does not exist.")
    return ApiError(110001, f"order not exists or too late to {action}")


def duplicate(category: str) -> ApiError:
    """Returns the error for a client id that was used before."""
    if category == _SPOT:
        return ApiError(170141, "Duplicate clientOrderId.")
    return ApiError(110072, "OrderLinkedID is duplicate")


def wrong_mode() -> ApiError:
    """Returns the error for a position index of the other position mode."""
    return ApiError(10001, "position idx not match position mode")


def invalid_request(message: str) -> ApiError:
    """Returns the error for an invalid parameter."""
    return ApiError(10001, message)


def from_engine(rejected: Rejected, category: str, *, rises: bool | None = None) -> ApiError:
    """Returns the error for a rejection; ``rises`` is the direction of a trigger, if any."""
    spot = category == _SPOT
    match rejected.code:
        case "insufficient_funds" if spot:
            return ApiError(170131, "Insufficient balance.")
        case "insufficient_funds":
            return ApiError(110007, "ab not enough for new order")
        case "order_not_open" | "order_not_found":
            return not_found(category, "replace")
        case "too_late":
            return invalid_request("The order quantity must be greater than the executed quantity")
    message = rejected.message
    if "reduce-only" in message:
        return ApiError(110017, "current position is zero, cannot fix reduce-only order qty")
    if "reached the trigger" in message:
        if spot:
            return ApiError(170210, f"New order rejected: {message}")
        direction, code = ("Rising", 110092) if rises else ("Falling", 110093)
        sign = "<=" if rises else ">="
        return ApiError(code, f"expect {direction}, but trigger_price {sign} current price")
    return ApiError(170210, f"New order rejected: {message}") if spot else invalid_request(message)
