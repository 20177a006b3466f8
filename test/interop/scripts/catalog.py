"""All programs: the modules that register them are imported here."""

from collections.abc import Sequence

from interop.scripts import async_programs, pro_programs, sync_bots, sync_examples
from interop.scripts.registry import SCRIPTS, Script

_MODULES = (sync_examples, sync_bots, async_programs, pro_programs)


def all_scripts() -> Sequence[Script]:
    """Returns the programs of all modules."""
    assert _MODULES
    return tuple(SCRIPTS)
