"""Error responses of the Binance dialect: HTTP 4xx with ``{code, msg}``."""

from oms.simulation.events import Rejected


class ApiError(Exception):
    """An error response with a code and a message."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def from_engine(rejected: Rejected, *, spot: bool) -> ApiError:
    """Returns the error for a rejection; spot and contracts have different codes."""
    message = rejected.message
    match rejected.code:
        case "insufficient_funds" if spot:
            return ApiError(-2010, "Account has insufficient balance for requested action.")
        case "insufficient_funds":
            return ApiError(-2019, "Margin is insufficient.")
        case "order_not_open" | "order_not_found":
            return ApiError(-2011, "Unknown order sent.")
        case "post_only_would_take" if spot:
            return ApiError(-2010, "Order would immediately match and take.")
        case "post_only_would_take":
            return ApiError(
                -5022,
                "Due to the order could not be executed as maker, the Post Only order will be"
                " rejected.",
            )
        case "too_late":
            return ApiError(-4028, "Quantity less than or equal to the executed quantity.")
    if "reduce-only" in message:
        return ApiError(-2022, "ReduceOnly Order is rejected.")
    if "reached the trigger" in message:
        if spot:
            return ApiError(-2010, "Stop price would trigger immediately.")
        return ApiError(-2021, "Order would immediately trigger.")
    return ApiError(-2010 if spot else -1102, message)


def missing_parameter(name: str) -> ApiError:
    """Returns the error for a missing or malformed parameter."""
    return ApiError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )
