"""How many examples a property is tried on: all in ``make test``, a part in ``make check``."""

import os

EXAMPLES_MIN = 20
PERCENT = int(os.environ.get("OMS_TEST_EXAMPLES_PERCENT", "100"))


def count_examples(full: int) -> int:
    """``full`` of them, or the part of them that ``OMS_TEST_EXAMPLES_PERCENT`` asks for."""
    return full if PERCENT >= 100 else max(EXAMPLES_MIN, full * PERCENT // 100)
