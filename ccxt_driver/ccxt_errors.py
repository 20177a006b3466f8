"""ccxt's error classes by name: its own where ccxt is installed, else classes with the same tree.

The driver works without ccxt; a program that catches errors then finds the classes in
``ccxt_driver.errors``.
"""

from functools import cache
from importlib import import_module

#: A class, and the classes that derive directly from it.
_SUBCLASSES = {
    "BaseError": "ExchangeError OperationFailed UnsubscribeError",
    "ExchangeError": "AuthenticationError ArgumentsRequired BadRequest"
    " OperationRejected InsufficientFunds InvalidAddress InvalidOrder NotSupported"
    " InvalidProxySettings ExchangeClosedByUser",
    "AuthenticationError": "PermissionDenied AccountSuspended",
    "PermissionDenied": "AccountNotEnabled",
    "BadRequest": "BadSymbol",
    "OperationRejected": "NoChange MarketClosed ManualInteractionNeeded RestrictedLocation",
    "NoChange": "MarginModeAlreadySet",
    "InvalidAddress": "AddressPending",
    "InvalidOrder": "OrderNotFound OrderNotCached OrderImmediatelyFillable OrderNotFillable"
    " DuplicateOrderId ContractUnavailable",
    "OperationFailed": "NetworkError BadResponse CancelPending",
    "NetworkError": "DDoSProtection RateLimitExceeded ExchangeNotAvailable InvalidNonce"
    " RequestTimeout",
    "ExchangeNotAvailable": "OnMaintenance",
    "InvalidNonce": "ChecksumError",
    "BadResponse": "NullResponse",
}


def ccxt_error_class(name: str) -> type[Exception] | None:
    """Returns the error class of that name, ``None`` if ccxt has none."""
    return _classes().get(name)


def own_error_classes() -> dict[str, type[Exception]]:
    """Returns new classes with the names and the tree of ccxt's errors."""
    classes: dict[str, type[Exception]] = {"BaseError": type("BaseError", (Exception,), {})}
    for parent, names in _SUBCLASSES.items():
        classes |= {name: type(name, (classes[parent],), {}) for name in names.split()}
    return classes


@cache
def _classes() -> dict[str, type[Exception]]:
    try:
        # Importing this module imports all of ccxt, so it is imported on first use.
        errors = import_module("ccxt.base.errors")
    except ModuleNotFoundError as missing:
        if missing.name != "ccxt":
            raise
        return own_error_classes()
    return {
        name: member
        for name, member in vars(errors).items()
        if isinstance(member, type) and issubclass(member, errors.BaseError)
    }
