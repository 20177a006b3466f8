"""Folders that stand for images: a Debian from debootstrap, copies of it, and commands inside."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

DEBIAN = "bookworm"
#: What the image `python:3.11-slim-bookworm` has beyond a minimal Debian. It builds Python itself;
#: Debian's is of the same minor version.
PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: How this machine reaches the package indexes: names of variables begin so.
NETWORK_PREFIXES = ("PIP_CERT", "PIP_INDEX", "NPM_CONFIG_", "NODE_EXTRA_", "SSL_CERT_")
NETWORK_FILES = ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt")
BASE_SECONDS_MAX = 900


class StepFailed(Exception):
    """A step of the proof failed; the message is what it did and the end of its output."""


def make_base(folder: Path) -> None:
    """Create the folder of the base image, once; it is used again by later runs."""
    if (folder / "complete").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run_step(
        ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", DEBIAN, folder],
        seconds_max=BASE_SECONDS_MAX,
    )
    # The image allows pip to install beside it and names both programs without a version.
    for marker in (folder / "usr/lib").glob("python3.*/EXTERNALLY-MANAGED"):
        marker.unlink()
    (folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    (folder / "complete").touch()


def copy_folder(source: Path, target: Path) -> None:
    """A copy with owners, modes and links; the target is created."""
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    run_step(["cp", "-a", "--reflink=auto", source, target], seconds_max=BASE_SECONDS_MAX)


def mount_system(root: Path) -> None:
    """Mount /proc and /dev inside; the mounts end with the mount namespace of this process."""
    run_step(["mount", "-t", "proc", "proc", root / "proc"])
    run_step(["mount", "--rbind", "/dev", root / "dev"])


def use_network_of_machine(root: Path) -> None:
    """Let programs inside resolve names and trust certificates as this machine does."""
    for name in NETWORK_FILES:
        if os.path.exists(f"/{name}"):
            (root / name).unlink(missing_ok=True)
            shutil.copyfile(f"/{name}", root / name)


def network_environment() -> dict[str, str]:
    """Variables of this machine that lead to the package indexes; no part of the image."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(NETWORK_PREFIXES)
    }


def bind(source: Path, target: Path, *, is_read_only: bool = False) -> None:
    """Mount a file or folder at another place; the place is created."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    run_step(["mount", "--bind", source, target])
    if is_read_only:
        run_step(["mount", "-o", "remount,bind,ro", target])


def command_inside(
    root: Path, command: Sequence[str], *, user: str, folder: str, environment: Mapping[str, str]
) -> list[str]:
    """The command line that executes `command` in `root` as `user`, with this environment only."""
    variables = [f"{name}={value}" for name, value in {"PATH": PATH, **environment}.items()]
    enter = ["chroot", f"--userspec={user}:{user}", "--groups=", str(root), "/usr/bin/env", "-i"]
    return [*enter, *variables, "sh", "-c", 'cd "$0" && exec "$@"', folder, *command]


def run_step(command: Sequence[str | Path], *, seconds_max: float = 60) -> str:
    """Output of a command that must succeed. Raises StepFailed with the end of what it printed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds_max
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepFailed(f"{' '.join(words)}: {error}") from error
    if done.returncode != 0:
        output = (done.stdout + done.stderr)[-3000:]
        raise StepFailed(f"{' '.join(words)} ended with status {done.returncode}:\n{output}")
    return done.stdout
