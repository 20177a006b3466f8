"""The block in ``sitecustomize.py`` that patches ccxt at every start of Python, and its commands.

Only the block between the two marks is written or removed; the rest of the file is kept. Where
Python finds another ``sitecustomize`` first (as on Debian), this one would never run: the block is
then also written to a ``.pth`` file beside it.
"""

import argparse
import re
import site
import sysconfig
from collections.abc import Iterable, Sequence
from importlib import invalidate_caches
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from ccxt_driver.patching import MODES, SAFE, parse_ids

SCOPES = ("user", "env")
BEGIN = "# >>> ccxt_driver autopatch >>>"
END = "# <<< ccxt_driver autopatch <<<"
_BLOCK = re.compile(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n?", re.MULTILINE | re.DOTALL)


class GatewayFound(Exception):
    """The environment holds the gateway, which trades through ccxt itself."""


def install(
    *,
    scope: str = "env",
    mode: str = SAFE,
    overrides: Iterable[str] = (),
    allow_gateway: bool = False,
) -> Path:
    """Writes the block, replacing an existing one; returns the file.

    Raises ``ValueError``, and ``GatewayFound`` in an environment that holds the gateway unless
    ``allow_gateway`` is set.
    """
    if mode not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}, not {mode!r}")
    if not allow_gateway and _holds_gateway():
        raise GatewayFound(
            "this environment holds the gateway, which must trade through the real ccxt; "
            "install the driver into the environment of your program, or add --allow-gateway"
        )
    path = _sitecustomize_path(scope)
    rest = _remove_block(_read(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if rest and not rest.endswith("\n"):
        rest += "\n"
    text = render_block(mode, list(overrides))
    path.write_text(rest + text, encoding="utf-8")
    if _is_shadowed(path):
        _pth_path(path).write_text(f"import os; exec({text!r})\n", encoding="utf-8")
    return path


def uninstall(*, scope: str = "env") -> tuple[Path, bool]:
    """Removes the block; returns the file and whether it had one. An empty file is deleted."""
    path = _sitecustomize_path(scope)
    _pth_path(path).unlink(missing_ok=True)
    text = _read(path)
    rest = _remove_block(text)
    if rest == text:
        return path, False
    if rest.strip():
        path.write_text(rest, encoding="utf-8")
    else:
        path.unlink()
    return path, True


def status(*, scope: str = "env") -> dict[str, Any]:
    """Returns the installed state: scope, sitecustomize, exists, installed, mode, overrides."""
    path = _sitecustomize_path(scope)
    match = _BLOCK.search(_read(path))
    block = match[0] if match else ""
    return {
        "scope": scope,
        "sitecustomize": str(path),
        "exists": path.exists(),
        "installed": match is not None,
        "mode": _variable_in(block, "CCXT_OMS_AUTOPATCH_MODE"),
        "overrides": _variable_in(block, "CCXT_OMS_OVERRIDE_EXCHANGES"),
    }


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ccxt_driver.autopatch")
    parser.add_argument("action", choices=("install", "uninstall", "status"))
    parser.add_argument("--scope", choices=SCOPES, default="env")
    parser.add_argument("--mode", choices=MODES, default=SAFE)
    parser.add_argument(
        "--override",
        action="append",
        default=[],
        metavar="IDS",
        help="comma-separated exchange ids; may be given several times",
    )
    parser.add_argument(
        "--allow-gateway", action="store_true", help="install beside the gateway, which ignores it"
    )
    options = parser.parse_args(arguments)
    if options.action == "install":
        try:
            path = install(
                scope=options.scope,
                mode=options.mode,
                overrides=parse_ids(",".join(options.override)),
                allow_gateway=options.allow_gateway,
            )
        except GatewayFound as found:
            parser.error(str(found))
        print(f"installed: {path}")
    elif options.action == "uninstall":
        path, is_removed = uninstall(scope=options.scope)
        print(f"uninstall: {path} removed={is_removed}")
    for key, value in status(scope=options.scope).items():
        print(f"{key}={value}")
    return 0


def _holds_gateway() -> bool:
    try:
        distribution("oms-gateway")
    except PackageNotFoundError:
        return False
    return True


def _sitecustomize_path(scope: str) -> Path:
    if scope not in SCOPES:
        raise ValueError(f"scope is one of {', '.join(SCOPES)}, not {scope!r}")
    folder = site.getusersitepackages() if scope == "user" else sysconfig.get_path("purelib")
    return Path(folder) / "sitecustomize.py"


def _pth_path(path: Path) -> Path:
    # Sorted last, so that path entries of other .pth files exist when it runs.
    return path.with_name("zz_ccxt_driver_autopatch.pth")


def _is_shadowed(path: Path) -> bool:
    invalidate_caches()
    spec = PathFinder.find_spec("sitecustomize")
    return spec is None or spec.origin is None or not path.samefile(spec.origin)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _remove_block(text: str) -> str:
    return _BLOCK.sub("", text)


def render_block(mode: str, overrides: list[str]) -> str:
    """Returns the block including its marks."""
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


def _variable_in(block: str, name: str) -> str:
    match = re.search(rf"setdefault\('{name}', '([^']*)'\)", block)
    return match[1] if match else ""
