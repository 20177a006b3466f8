"""Whether tests of the acceptance page run at their whole size: ``make acceptance``.

Else they run at a size that a suite of minutes can bear.
"""

import os
from typing import TypeVar

IS_FULL_SIZE = os.environ.get("OMS_TEST_WHOLE") == "1"

Size = TypeVar("Size", int, float)


def choose_size(usual: Size, whole: Size) -> Size:
    """The one that is asked for."""
    return whole if IS_FULL_SIZE else usual
