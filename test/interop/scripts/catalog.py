"""All programs: the modules that register them are imported here."""

from collections.abc import Sequence

# Imported for what their decorators register.
from interop.scripts import async_programs, pro_programs, sync_bots, sync_examples  # noqa: F401
from interop.scripts.registry import SCRIPTS, Script


def all_scripts() -> Sequence[Script]:
    """Returns the programs of all modules."""
    return tuple(SCRIPTS)
