"""The page in the distributions: a wheel built from the source distribution serves it.

Neither Node.js nor a network is needed: `PATH` has only Python, and pip asks no index.
"""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from kit.browser.web_desk import ROOT
from kit.gateway.processes import Gateway
from kit.http.client import call

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


def _run(*command: str | Path, folder: Path = ROOT) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": str(Path(sys.executable).parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_installed_wheel_serves_the_page(built_page: None, tmp_path: Path) -> None:
    _run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path)
    (source,) = tmp_path.glob("oms_gateway-*.tar.gz")
    no_index = ("--no-deps", "--no-index")
    _run(*PIP, "wheel", *no_index, "--no-build-isolation", "-w", tmp_path, source, folder=tmp_path)
    (wheel,) = tmp_path.glob("oms_gateway-*.whl")
    installed = tmp_path / "installed"
    _run(*PIP, "install", *no_index, "--target", installed, wheel, folder=tmp_path)

    record = installed / "oms" / "web" / "build.json"
    built = json.loads(record.read_text())
    assert built == json.loads((ROOT / "apps" / "oms" / "web" / "build.json").read_text())
    record.write_text(json.dumps({"is_installed": True}))
    gateway = Gateway(
        tmp_path / "gateway", workers=1, environment={"PYTHONPATH": str(installed), "PATH": ""}
    )
    try:
        gateway.start()
        assert call(gateway, "GET", "/ui/build.json")[:2] == (200, {"is_installed": True})
        with urllib.request.urlopen(f"{gateway.base_url}/ui/") as page:
            assert 'id="root"' in page.read().decode()
    finally:
        gateway.stop()
