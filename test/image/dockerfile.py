"""Reads a Dockerfile: its stages and their instructions."""

import re
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name in upper case and the rest of its line, continuations joined."""

    name: str
    rest: str


@dataclass
class Stage:
    """What `FROM` begins. `name` is empty for a stage without `AS`."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)


def read_stages(path: Path) -> list[Stage]:
    """All stages in their order. Raises ValueError for an instruction before the first `FROM`."""
    stages: list[Stage] = []
    for instruction in read_instructions(path):
        if instruction.name == "FROM":
            base, _, name = instruction.rest.partition(" AS ")
            stages.append(Stage(base.strip(), name.strip()))
        elif not stages:
            raise ValueError(f"{instruction.name} comes before the first FROM")
        else:
            stages[-1].instructions.append(instruction)
    return stages


def read_instructions(path: Path) -> list[Instruction]:
    """The instructions in their order, without comments."""
    text = re.sub(r"(?m)^#.*\n", "", path.read_text())
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [_instruction(line) for line in lines if line.strip()]


def _instruction(line: str) -> Instruction:
    name, rest = line.split(maxsplit=1)
    return Instruction(name.upper(), rest)
