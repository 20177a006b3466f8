"""A private Prometheus server for tests, of Debian's package as set-up unpacks it."""

import json
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from kit.free_ports import free_port
from kit.polling import wait_until
from kit.private_server import PrivateServer, end_process

PROGRAMS = Path(__file__).parents[3] / "build/debian/prometheus/usr/bin"
READY_SECONDS_MAX = 30.0


def promtool(*arguments: str, folder: Path) -> str:
    """Run ``promtool``; returns its output. Fails with it if the status is not 0."""
    done = subprocess.run(
        [PROGRAMS / "promtool", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class PrivatePrometheus(PrivateServer):
    """A server with the configuration ``config``, in ``folder``; ended by its pid."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it is ready."""
        address = self.url.removeprefix("http://")
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAMS / "prometheus",
                    "--config.file=prometheus.yml",
                    "--storage.tsdb.path=data",
                    f"--web.listen-address={address}",
                ],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_ready, READY_SECONDS_MAX, "Prometheus is ready")

    def close(self) -> None:
        """End the server; its folder is the test's."""
        end_process(self._process)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an instant query; an invalid expression fails."""
        text = urllib.parse.urlencode({"query": expression})
        result = self.get(f"/api/v1/query?{text}")["result"]
        return list(result)

    def get(self, path: str) -> Any:
        """The ``data`` of an answer."""
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return json.loads(response.read())["data"]

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as response:
                return bool(response.status == 200)
        except OSError:
            return False
