"""Error of ccxt methods that a paper exchange does not support."""

from oms.domain.errors import Invalid


def not_supported(func: str) -> Invalid:
    """Returns ccxt's ``NotSupported``."""
    message = f"a paper exchange does not support {func[:64]}"
    return Invalid(message, code="unsupported_func", reason="not_supported")
