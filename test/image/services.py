"""Starts the services of a compose file in folders, in a network of their own, without an engine.

Each service has its own copy-on-write root over the folder of the image, its volumes, environment,
user, working folder, command and health check as the compose file and the Dockerfile say. The names
of the services resolve to 127.0.0.1: all of them share one network, as processes of one host do.
"""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from builder import Image
from compose import Service
from folders import StepFailed, bind, command_inside, mount_system, run_step

from kit.databases.mariadb import PrivateMariaDB

#: What a health check of a service may take in all, beyond its own interval and retries.
GRACE_SECONDS = 60
POLL_SECONDS = 0.5


class Stack:
    """The running services. `close` ends what still runs, by pid."""

    def __init__(self, checkout: Path, work: Path, image: Image, services: dict[str, Service]):
        self._checkout = checkout
        self._work = work
        self._image = image
        self._services = services
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._roots: dict[str, Path] = {}
        self._database: PrivateMariaDB | None = None

    def start(self, name: str) -> None:
        """Start a service when what it depends on is ready. Raises StepFailed if that fails."""
        if name == "mysql":
            self._start_database()
            return
        for other, need in self._services[name].get("depends_on", {}).items():
            self._await(other, need["condition"])
        self._processes[name] = self._open(name, self._words(name))

    def await_healthy(self, name: str) -> None:
        """Repeat the health check of a service until it succeeds."""
        self._await(name, "service_healthy")

    def run_once(self, name: str, arguments: list[str], seconds_max: float = 60) -> str:
        """Output of `docker compose run --rm NAME ARGUMENTS`: the service with another command."""
        command = self._command(name, [*self._image.entrypoint, *arguments])
        return run_step(command, seconds_max=seconds_max)

    def stop(self, name: str) -> int:
        """SIGTERM; the exit status. Raises StepFailed if it outlasts the grace period."""
        process = self._processes.pop(name)
        seconds = float(str(self._services[name].get("stop_grace_period", "10s")).rstrip("s"))
        process.terminate()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise StepFailed(f"{name} did not end within {seconds} s of SIGTERM") from None

    def log_of(self, name: str) -> str:
        """The last lines that a service printed."""
        return "\n".join((self._work / f"{name}.log").read_text().splitlines()[-30:])

    def close(self) -> None:
        """End everything."""
        for process in self._processes.values():
            process.kill()
            process.wait()
        if self._database is not None:
            self._database.close()

    def _start_database(self) -> None:
        service = self._services["mysql"]
        wanted = service["image"].partition(":")[2]
        server = PrivateMariaDB(service["command"])
        server.port = 3306  # The network is our own.
        server.start()
        self._database = server
        values = service["environment"]
        database, user = values["MARIADB_DATABASE"], values["MARIADB_USER"]
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT VERSION()")
            (version,) = cursor.fetchone() or ("",)
            if not str(version).startswith(f"{wanted}."):
                raise StepFailed(f"the image is MariaDB {wanted}, this machine has {version}")
            cursor.execute(f"CREATE DATABASE {database}")
            cursor.execute(
                f"CREATE USER {user}@'%%' IDENTIFIED BY %s", [values["MARIADB_PASSWORD"]]
            )
            cursor.execute(f"GRANT ALL ON {database}.* TO {user}@'%'")

    def _await(self, name: str, condition: str) -> None:
        if name == "mysql":
            return  # It has started when `start` returns: its own health check is in its image.
        if condition == "service_completed_successfully":
            status = self._processes[name].wait(GRACE_SECONDS)
            if status != 0:
                raise StepFailed(f"{name} ended with status {status}:\n{self.log_of(name)}")
            return
        check = self._services[name]["healthcheck"]
        kind, *words = check["test"]
        if kind != "CMD":
            raise StepFailed(f"a health check that this proof does not know: {check['test']}")
        seconds = float(check["interval"].rstrip("s")) * check["retries"] + GRACE_SECONDS
        deadline = time.monotonic() + seconds
        while True:
            done = subprocess.run(
                self._command(name, words),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=GRACE_SECONDS,
            )
            if done.returncode == 0:
                return
            if time.monotonic() > deadline or self._processes[name].poll() is not None:
                raise StepFailed(f"{name} is not healthy:\n{self.log_of(name)}")
            time.sleep(POLL_SECONDS)

    def _words(self, name: str) -> list[str]:
        service = self._services[name]
        entrypoint = service.get("entrypoint", self._image.entrypoint)
        return [*entrypoint, *service.get("command", self._image.command)]

    def _open(self, name: str, words: list[str]) -> "subprocess.Popen[bytes]":
        with (self._work / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                self._command(name, words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _command(self, name: str, words: list[str]) -> list[str]:
        environment: dict[str, Any] = self._services[name].get("environment", {})
        return command_inside(
            self._root(name),
            words,
            user=self._image.user,
            folder=self._image.folder,
            environment=self._image.environment | environment,
        )

    def _root(self, name: str) -> Path:
        """The root of a service, made at its first command."""
        if name not in self._roots:
            root = self._work / "roots" / name
            layers = [self._work / "layers" / f"{name}-{part}" for part in ("changes", "work")]
            for folder in (root, *layers):
                folder.mkdir(parents=True)
            options = f"lowerdir={self._image.root},upperdir={layers[0]},workdir={layers[1]}"
            run_step(["mount", "-t", "overlay", "overlay", "-o", options, root])
            mount_system(root)
            names = " ".join(["localhost", *self._services])
            (root / "etc/hosts").write_text(f"127.0.0.1 {names}\n")
            for volume in self._services[name].get("volumes", []):
                self._mount_volume(root, volume)
            self._roots[name] = root
        return self._roots[name]

    def _mount_volume(self, root: Path, volume: str) -> None:
        source, target, *options = volume.split(":")
        place = root / target.lstrip("/")
        if source.startswith("."):
            origin = self._checkout / source
        else:
            origin = self._work / "volumes" / source
            if not origin.exists():
                _make_volume(origin, self._image.root / target.lstrip("/"))
        bind(origin, place, is_read_only="ro" in options)


def _make_volume(folder: Path, image_folder: Path) -> None:
    """A new volume takes content, owner and mode from the folder in the image."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not image_folder.is_dir():
        folder.mkdir()
        return
    shutil.copytree(image_folder, folder)
    state = image_folder.stat()
    os.chown(folder, state.st_uid, state.st_gid)
    folder.chmod(state.st_mode)
