"""Keeps the patch of ccxt that ``ccxt_driver`` installs for other programs out of this process.

Under that patch ccxt's classes send orders to a gateway. The gateway itself would then trade
through itself instead of an exchange.
"""

import logging
import shlex
import site
import sys
import sysconfig
from pathlib import Path

logger = logging.getLogger(__name__)

_DRIVER = "ccxt_driver"
_MARK = "# >>> ccxt_driver autopatch >>>"
_END_MARK = "# <<< ccxt_driver autopatch <<<"
_START_FILES = ("sitecustomize.py", "zz_ccxt_driver_autopatch.pth")


def ignore_ccxt_patch() -> None:
    """Removes the patch from this process, and logs the line that uninstalls it.

    A patched ccxt that is loaded is imported again by the next import.
    """
    hooks = [hook for hook in sys.meta_path if _package_of(type(hook)) == _DRIVER]
    is_patched = hasattr(sys.modules.get("ccxt"), "_ccxt_oms_autopatched")
    if not hooks and not is_patched:
        return
    for hook in hooks:
        sys.meta_path.remove(hook)
    if is_patched:
        for name in [name for name in sys.modules if name.partition(".")[0] == "ccxt"]:
            del sys.modules[name]
    logger.warning("ccxt_patch_ignored undo=%s", _undo_line())


def is_own_class(found: type) -> bool:
    """Returns whether ccxt itself defines the class."""
    return _package_of(found) == "ccxt"


def _undo_line() -> str:
    for scope, folder in (
        ("env", sysconfig.get_path("purelib")),
        ("user", site.getusersitepackages()),
    ):
        if any(_has_block(Path(folder, name)) for name in _START_FILES):
            return (
                f"{shlex.quote(sys.executable)} -m ccxt_driver.autopatch uninstall --scope {scope}"
            )
    start_file = getattr(sys.modules.get("sitecustomize"), "__file__", None)
    if start_file is not None and _has_block(Path(start_file)):
        return f"sed -i '/^{_MARK}$/,/^{_END_MARK}$/d' {shlex.quote(start_file)}"
    return "unset CCXT_OMS_AUTOPATCH"


def _has_block(file: Path) -> bool:
    try:
        return _MARK in file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def _package_of(found: type) -> str:
    return found.__module__.partition(".")[0]
