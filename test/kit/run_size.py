"""Sizes of a test run, set by environment variables.

``OMS_TEST_EXAMPLES_PERCENT`` scales the number of Hypothesis examples, and of histories that are
compared with an oracle (``make check``).
``OMS_TEST_WHOLE=1`` selects the sizes of docs/domain/acceptance.md (``make acceptance``).
"""

import os
from typing import TypeVar

EXAMPLES_MIN = 20
EXAMPLES_PERCENT = int(os.environ.get("OMS_TEST_EXAMPLES_PERCENT", "100"))
IS_FULL_SIZE = os.environ.get("OMS_TEST_WHOLE") == "1"

Size = TypeVar("Size", int, float)


def count_examples(full: int) -> int:
    """Returns ``full`` scaled by ``OMS_TEST_EXAMPLES_PERCENT``, at least ``EXAMPLES_MIN``."""
    return full if EXAMPLES_PERCENT >= 100 else max(EXAMPLES_MIN, full * EXAMPLES_PERCENT // 100)


def choose_size(usual: Size, full: Size) -> Size:
    """Returns ``full`` in an acceptance run, else ``usual``."""
    return full if IS_FULL_SIZE else usual
