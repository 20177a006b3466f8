"""What a paper exchange says to a ccxt method that it does not have."""

from oms.domain.errors import Invalid


def not_supported(func: str) -> Invalid:
    """ccxt's ``NotSupported``."""
    message = f"a paper exchange does not answer {func[:64]}"
    return Invalid(message, code="unsupported_func", reason="not_supported")
