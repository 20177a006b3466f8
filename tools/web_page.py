#!/usr/bin/env python3
"""Builds and checks the web desk: sources in apps/web, result in apps/oms/web.

    tools/web_page.py build          build the page if its sources changed
    tools/web_page.py types          also generate the API types of the page
    tools/web_page.py check          types, type check and style, but not without a Node.js
    tools/web_page.py complete       build with everything checked, for a wheel
    tools/web_page.py test           style and unit tests of the sources
    tools/web_page.py dev            development server in front of a running gateway

`build` needs neither the gateway nor its `.venv`, so that set-up runs it beside their installation.
The standard library is enough. Exit status 1: it failed, and the last line of output says why.
"""

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import page_sizes
from node_environment import Node, NodeMissing, find_node

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "apps" / "web"
RESULT = ROOT / "apps" / "oms" / "web"
WORK = ROOT / "build" / "web-page"
VENV_PYTHON = ROOT / ".venv" / "bin" / "python"
RECORD = "build.json"
MANIFEST = "manifest.json"
#: What the build is made of; the API types are generated and leave no trace in it.
INPUTS = (
    *("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"),
    *("public", "src"),
)
#: Of one npm command, whose downloads would otherwise wait for a registry again and again.
SECONDS_MAX = 400
TYPES = SOURCES / "src" / "api" / "schema.ts"
DOCUMENT = SOURCES / "openapi.json"


class BuildFailed(Exception):
    """The text says what failed, in one line."""


def main(arguments: list[str]) -> int:
    """Run the command that the arguments name. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="tools/web_page.py")
    parser.add_argument("command", choices=sorted(COMMANDS))
    options = parser.parse_args(arguments)
    WORK.mkdir(parents=True, exist_ok=True)
    # Concurrent runs wait for each other.
    lock = os.open(WORK, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        COMMANDS[options.command]()
    except (BuildFailed, NodeMissing) as error:
        print(f"web page: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        os.close(lock)
    return 0


def build() -> None:
    """Build the page if its sources changed. Raises ``BuildFailed``, ``NodeMissing``."""
    sources = sources_hash()
    if read_record().get("sources_sha256") == sources:
        return
    node = find_node()
    install_packages(node)
    folder = WORK / "result"
    run_script(
        node, "build", "--", "--outDir", str(folder), "--emptyOutDir", "--manifest", MANIFEST
    )
    # The manifest is for the size budget; the page does not need it.
    manifest = (folder / MANIFEST).replace(WORK / MANIFEST)
    sizes = page_sizes.measure(folder, json.loads(manifest.read_text()))
    _publish(folder, {"sources_sha256": sources, "openapi_sha256": None, "gzip_bytes": sizes})
    print(f"web page: built with Node.js {node.version}", flush=True)


def types() -> None:
    """Generate the API types of the page from the routes of this checkout."""
    openapi = write_document()
    node = find_node()
    install_packages(node)
    generate_types(node, openapi)


def check() -> None:
    """Generate the types, then check types and style; left out where there is no Node.js."""
    try:
        node = find_node(may_install=False)
    except NodeMissing as error:
        print(f"web page: not checked: {error}", flush=True)
        return
    install_packages(node)
    generate_types(node, write_document())
    run_script(node, "check")
    run_script(node, "lint")


def complete() -> None:
    """Build the page, check it against the routes of this checkout and its size budget.

    What was built and checked before needs no Node.js and no network.
    """
    build()
    openapi = write_document()
    if read_record()["openapi_sha256"] != openapi:
        node = find_node()
        install_packages(node)
        generate_types(node, openapi)
        run_script(node, "check")
        (RESULT / RECORD).write_text(_json_text(read_record() | {"openapi_sha256": openapi}))
    too_large = page_sizes.exceeded(read_record()["gzip_bytes"])
    if too_large:
        raise BuildFailed("; ".join(too_large))


def test() -> None:
    """Check the style of the sources and run their unit tests."""
    types()
    node = find_node()
    run_script(node, "lint")
    run_script(node, "test")


def dev() -> None:
    """Serve the sources with Vite, which passes API and WebSocket on to `OMS_GATEWAY`."""
    types()
    os.chdir(SOURCES)
    node = find_node()
    os.execvpe(node.npm[0], [*node.npm, "run", "dev"], node.environment())


COMMANDS: Mapping[str, Callable[[], None]] = {
    "build": build,
    "types": types,
    "check": check,
    "complete": complete,
    "test": test,
    "dev": dev,
}


def sources_hash() -> str:
    """Return the SHA-256 of names and contents of everything that the page is built from."""
    digest = hashlib.sha256()
    for path in _input_files():
        name = path.relative_to(SOURCES).as_posix().encode()
        body = path.read_bytes()
        digest.update(b"%d %s %d\n" % (len(name), name, len(body)) + body)
    return digest.hexdigest()


def _input_files() -> Iterator[Path]:
    for name in INPUTS:
        path = SOURCES / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (one for one in found if one.is_file() and one != TYPES)


def read_record() -> dict[str, Any]:
    """Return the content of ``build.json`` of the built page; empty without one."""
    try:
        record = json.loads((RESULT / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def install_packages(node: Node) -> None:
    """Install the locked packages, none of which runs a script of its own, if they changed."""
    stamp = SOURCES / "node_modules" / ".installed-sha256"
    wanted = hashlib.sha256(
        b"\0".join((SOURCES / name).read_bytes() for name in ("package.json", "package-lock.json"))
    ).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    _run(node, "npm ci failed", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    stamp.write_text(wanted)


def write_document() -> str:
    """Write the OpenAPI document of this checkout; return its SHA-256."""
    if not VENV_PYTHON.exists():
        raise BuildFailed("the API types need the gateway: python3 tools/setup")
    command = [VENV_PYTHON, ROOT / "tools" / "generate_openapi.py", DOCUMENT]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise BuildFailed("the OpenAPI document could not be written")
    return done.stdout.strip()


def generate_types(node: Node, openapi: str) -> None:
    """Make the API types of the written document, unless they are of this one."""
    stamp = WORK / "types.sha256"
    if not (TYPES.is_file() and stamp.is_file() and stamp.read_text() == openapi):
        run_script(node, "types")
        stamp.write_text(openapi)


def run_script(node: Node, script: str, *arguments: str) -> None:
    """Run a script of package.json. Raises ``BuildFailed``."""
    _run(node, f"npm run {script} failed", "run", "--silent", script, *arguments)


def _run(node: Node, failure: str, *arguments: str) -> None:
    try:
        done = subprocess.run(
            [*node.npm, *arguments],
            cwd=SOURCES,
            env=node.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_MAX,
        )
    except subprocess.TimeoutExpired as late:
        print((late.stdout or b"").decode(errors="replace"), flush=True)
        raise BuildFailed(f"{failure}: it takes longer than {SECONDS_MAX} s") from None
    if done.returncode != 0:
        print(done.stdout, flush=True)
        raise BuildFailed(failure)


def _publish(folder: Path, record: dict[str, Any]) -> None:
    """Put the built folder in place of the one before; a gateway that runs takes it from there."""
    (folder / RECORD).write_text(_json_text(record))
    before = WORK / "before"
    shutil.rmtree(before, ignore_errors=True)
    if RESULT.exists():
        RESULT.rename(before)
    folder.rename(RESULT)
    shutil.rmtree(before, ignore_errors=True)


def _json_text(record: dict[str, Any]) -> str:
    return f"{json.dumps(record, indent=2)}\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
