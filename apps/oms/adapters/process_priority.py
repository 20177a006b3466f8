"""The priority of processes that calculate: orders come first."""

import os
from contextlib import suppress
from pathlib import Path

AUTOGROUP_FILE = Path("/proc/self/autogroup")


def lower_priority(increment: int) -> None:
    """Let other processes of the machine run first; ``increment`` is added to ``nice``, 0 to 19.

    Linux may share processor time between sessions first: ``nice`` then counts within a session
    only. The session is lowered as well if this process leads it.
    """
    nice = os.nice(increment)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # a kernel without groups of sessions
            AUTOGROUP_FILE.write_text(str(nice), encoding="ascii")
