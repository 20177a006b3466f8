"""Makes ``import MetaTrader5`` import this package.

``patch_metatrader5`` does it in this process. ``python -m mt5_driver.autopatch
install|uninstall|status`` writes, removes or shows the file ``MetaTrader5.py`` in the environment's
site-packages, which does it for every program. Where the real package is installed nothing is
written. Nothing runs at the start of Python: the file is read when a program imports it.
"""

import argparse
import site
import sys
import sysconfig
from collections.abc import Sequence
from importlib import import_module, invalidate_caches
from importlib.machinery import PathFinder
from pathlib import Path

NAME = "MetaTrader5"
SCOPES = ("user", "env")
_MARK = "# Written by mt5_driver.autopatch"
_TEXT = f"""{_MARK}; "python -m mt5_driver.autopatch uninstall" removes it.
import sys

import mt5_driver

sys.modules[__name__] = mt5_driver
"""


class PackageFound(Exception):
    """Another MetaTrader5 is installed."""


def patch_metatrader5() -> bool:
    """Makes ``import MetaTrader5`` import this package; ``False`` if it was imported before."""
    if NAME in sys.modules:
        return False
    sys.modules[NAME] = import_module("mt5_driver")
    return True


def install(*, scope: str = "env") -> Path:
    """Writes the file; returns it. Raises ``PackageFound``, ``ValueError``."""
    path = _file(scope)
    invalidate_caches()
    spec = PathFinder.find_spec(NAME)
    if spec is not None and not _is_ours(Path(spec.origin or "")):
        raise PackageFound(f"{spec.origin} is another {NAME}; it is left as it is")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_TEXT, encoding="utf-8")
    return path


def uninstall(*, scope: str = "env") -> tuple[Path, bool]:
    """Removes the file if it is one of ours; returns it and whether it was there."""
    path = _file(scope)
    if not _is_ours(path):
        return path, False
    path.unlink()
    return path, True


def status(*, scope: str = "env") -> dict[str, str | bool]:
    """Returns scope, file, and whether it is installed."""
    path = _file(scope)
    return {"scope": scope, "file": str(path), "installed": _is_ours(path)}


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m mt5_driver.autopatch")
    parser.add_argument("action", choices=("install", "uninstall", "status"))
    parser.add_argument("--scope", choices=SCOPES, default="env")
    options = parser.parse_args(arguments)
    if options.action == "install":
        try:
            print(f"installed: {install(scope=options.scope)}")
        except PackageFound as found:
            parser.error(str(found))
    elif options.action == "uninstall":
        path, is_removed = uninstall(scope=options.scope)
        print(f"uninstall: {path} removed={is_removed}")
    for key, value in status(scope=options.scope).items():
        print(f"{key}={value}")
    return 0


def _file(scope: str) -> Path:
    if scope not in SCOPES:
        raise ValueError(f"scope is one of {', '.join(SCOPES)}, not {scope!r}")
    folder = site.getusersitepackages() if scope == "user" else sysconfig.get_path("purelib")
    return Path(folder) / f"{NAME}.py"


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8", errors="replace").startswith(_MARK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
