"""Executes the instructions of a Dockerfile in folders that debootstrap has made."""

import fnmatch
import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dockerfile import Instruction, Stage
from folders import (
    StepFailed,
    bind,
    command_inside,
    copy_folder,
    mount_system,
    network_environment,
    run_step,
    use_network_of_machine,
)

RUN_SECONDS_MAX = 1200


@dataclass
class Image:
    """A built stage: its folder and what its instructions declare for processes."""

    root: Path
    user: str = "root"
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


class ImageBuilder:
    """Builds the stages of a Dockerfile, each in a copy of the base folder."""

    def __init__(self, context: Path, base: Path, work: Path) -> None:
        self._context = context
        self._base = base
        self._work = work
        self._images: dict[str, Image] = {}
        self._instructions: dict[str, Callable[[Image, str], None]] = {
            "WORKDIR": _set_folder,
            "USER": _set_user,
            "ENV": _set_environment,
            "ENTRYPOINT": _set_entrypoint,
            "CMD": _set_command,
            "EXPOSE": lambda image, rest: None,  # It documents a port and changes nothing.
            "COPY": self._copy,
            "RUN": self._run,
        }

    def build(self, stage: Stage) -> Image:
        """Execute all instructions. Raises StepFailed at the first that fails."""
        root = self._work / (stage.name or "final")
        copy_folder(self._base, root)
        use_network_of_machine(root)
        mount_system(root)
        image = Image(root)
        for instruction in stage.instructions:
            self._execute(image, instruction)
        if stage.name:
            self._images[stage.name] = image
        return image

    def _execute(self, image: Image, instruction: Instruction) -> None:
        execute = self._instructions.get(instruction.name)
        if execute is None:
            raise StepFailed(f"{instruction.name} is an instruction that this proof does not know")
        started_at = time.monotonic()
        execute(image, instruction.rest)
        seconds = time.monotonic() - started_at
        print(
            f"{image.root.name:>6}  {seconds:5.1f} s  {instruction.name} {instruction.rest}",
            flush=True,
        )

    def _copy(self, image: Image, rest: str) -> None:
        *words, target = rest.split()
        root = self._context
        if words[0].startswith("--from="):
            root = self._images[words.pop(0).removeprefix("--from=")].root
        place = image.root / str(Path(image.folder, target)).lstrip("/")
        for word in words:
            source = root / word.lstrip("/")
            is_into = target.endswith("/") or len(words) > 1
            if source.is_dir():
                shutil.copytree(source, place, dirs_exist_ok=True, ignore=self._ignored)
            else:
                end = place / source.name if is_into else place
                end.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, end)

    def _ignored(self, folder: str, names: list[str]) -> set[str]:
        """The names that `.dockerignore` keeps out of the context."""
        if not Path(folder).is_relative_to(self._context):
            return set()
        lines = (self._context / ".dockerignore").read_text().splitlines()
        patterns = [
            line for line in lines if line.startswith("**/") or not line.startswith(("#", "!", "*"))
        ]
        relative = Path(folder).relative_to(self._context)
        return {
            name
            for name in names
            for pattern in patterns
            if fnmatch.fnmatch(name, pattern.removeprefix("**/")) or str(relative / name) == pattern
        }

    def _run(self, image: Image, rest: str) -> None:
        for option in re.findall(r"^--mount=(\S+)", rest):
            fields = dict(part.split("=", 1) for part in option.split(","))
            if fields.pop("type") != "bind":
                raise StepFailed(f"a mount that this proof does not know: {option}")
            source = self._images[fields["from"]].root / fields["source"].lstrip("/")
            bind(source, image.root / fields["target"].lstrip("/"), is_read_only=True)
        script = re.sub(r"^--mount=\S+\s+", "", rest)
        environment = {"HOME": "/root", **network_environment(), **image.environment}
        command = command_inside(
            image.root,
            ["/bin/sh", "-c", script],
            user=image.user,
            folder=image.folder,
            environment=environment,
        )
        run_step(command, seconds_max=RUN_SECONDS_MAX)


def _set_folder(image: Image, rest: str) -> None:
    image.folder = rest
    (image.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)


def _set_user(image: Image, rest: str) -> None:
    image.user = rest


def _set_environment(image: Image, rest: str) -> None:
    image.environment |= dict(part.split("=", 1) for part in rest.split())


def _set_entrypoint(image: Image, rest: str) -> None:
    image.entrypoint = json.loads(rest)


def _set_command(image: Image, rest: str) -> None:
    image.command = json.loads(rest)
