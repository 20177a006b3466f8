"""The block in ``sitecustomize.py`` that patches ccxt at every start of Python, and its commands.

Only the block between the two marks is ever written or removed; the rest of the file is kept.
Where Python finds another ``sitecustomize`` first, as Debian's does, ours would never run: the
block then stands in a ``.pth`` file beside it as well.
"""

import argparse
import re
import site
import sysconfig
from collections.abc import Iterable, Sequence
from importlib import invalidate_caches
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from ccxt_driver.patching import MODES, SAFE, parse_ids

SCOPES = ("user", "env")
BEGIN = "# >>> ccxt_driver autopatch >>>"
END = "# <<< ccxt_driver autopatch <<<"
_BLOCK = re.compile(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n?", re.MULTILINE | re.DOTALL)


def install(*, scope: str = "env", mode: str = SAFE, overrides: Iterable[str] = ()) -> Path:
    """Write the block, in place of one that is there; the file. Raises ``ValueError``."""
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    path = _file(scope)
    kept = _without(_read(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if kept and not kept.endswith("\n"):
        kept += "\n"
    text = block(mode, list(overrides))
    path.write_text(kept + text, encoding="utf-8")
    if _is_shadowed(path):
        _start_line(path).write_text(f"import os; exec({text!r})\n", encoding="utf-8")
    return path


def uninstall(*, scope: str = "env") -> tuple[Path, bool]:
    """Remove the block; the file, and whether there was one. A file left empty goes too."""
    path = _file(scope)
    _start_line(path).unlink(missing_ok=True)
    text = _read(path)
    kept = _without(text)
    if kept == text:
        return path, False
    if kept.strip():
        path.write_text(kept, encoding="utf-8")
    else:
        path.unlink()
    return path, True


def status(*, scope: str = "env") -> dict[str, Any]:
    """What is installed: ``scope, sitecustomize, exists, installed, mode, overrides``."""
    path = _file(scope)
    found = _BLOCK.search(_read(path))
    block = found[0] if found else ""
    return {
        "scope": scope,
        "sitecustomize": str(path),
        "exists": path.exists(),
        "installed": found is not None,
        "mode": _set_in(block, "CCXT_OMS_AUTOPATCH_MODE"),
        "overrides": _set_in(block, "CCXT_OMS_OVERRIDE_EXCHANGES"),
    }


def main(arguments: Sequence[str]) -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ccxt_driver.autopatch")
    parser.add_argument("action", choices=("install", "uninstall", "status"))
    parser.add_argument("--scope", choices=SCOPES, default="env")
    parser.add_argument("--mode", choices=MODES, default=SAFE)
    parser.add_argument("--override", default="", metavar="IDS", help="exchange ids, with commas")
    asked = parser.parse_args(arguments)
    if asked.action == "install":
        ids = parse_ids(asked.override)
        print(f"installed: {install(scope=asked.scope, mode=asked.mode, overrides=ids)}")
    elif asked.action == "uninstall":
        path, is_removed = uninstall(scope=asked.scope)
        print(f"uninstall: {path} removed={is_removed}")
    for key, value in status(scope=asked.scope).items():
        print(f"{key}={value}")
    return 0


def _file(scope: str) -> Path:
    if scope not in SCOPES:
        raise ValueError(f"scope is one of {', '.join(SCOPES)}, not {scope!r}")
    folder = site.getusersitepackages() if scope == "user" else sysconfig.get_path("purelib")
    return Path(folder) / "sitecustomize.py"


def _start_line(path: Path) -> Path:
    # The last by name, so that what other such files add to the path is there already.
    return path.with_name("zz_ccxt_driver_autopatch.pth")


def _is_shadowed(path: Path) -> bool:
    invalidate_caches()
    found = PathFinder.find_spec("sitecustomize")
    return found is None or found.origin is None or not path.samefile(found.origin)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _without(text: str) -> str:
    return _BLOCK.sub("", text)


def block(mode: str, overrides: list[str]) -> str:
    """The text between the marks, and these."""
    switches = {
        "CCXT_OMS_AUTOPATCH": "1",
        "CCXT_OMS_AUTOPATCH_MODE": mode,
        "CCXT_OMS_OVERRIDE_EXCHANGES": ",".join(overrides),
    }
    lines = [f"    os.environ.setdefault({name!r}, {value!r})" for name, value in switches.items()]
    return "\n".join(
        [
            BEGIN,
            "try:",
            "    import os",
            "",
            *lines,
            "    from ccxt_driver.patching import apply_from_env",
            "",
            "    apply_from_env()",
            "except Exception:  # Python starts, whatever is wrong here",
            "    pass",
            END,
            "",
        ]
    )


def _set_in(block: str, name: str) -> str:
    found = re.search(rf"setdefault\('{name}', '([^']*)'\)", block)
    return found[1] if found else ""
