"""Runs schemathesis against a gateway with a narrowed OpenAPI document.

Narrowed means that ids are mostly existing ones and that waits are short, so that most requests get
past the first validation. Response schemas stay as published.
"""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.run_size import choose_size

SEED = 20260225
INVALID_SHARE = 16  # One of sixteen enumerated invalid requests is sent; all with OMS_TEST_WHOLE=1.
CHECKS = (
    *("never_500", "errors_have_envelope", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance"),
)
ValuesByName = Mapping[str, Sequence[object]]

_SHORT_WAITS: ValuesByName = {
    "wait_ms": [0, 1, 200],
    "request_timeout_seconds": [1],
    "Prefer": ["wait=0", "respond-async", "wait=1, respond-async"],
}

_OPERATIONS = """[[operations]]
include-path-regex = '{paths}'
phases.coverage.generation.mode = "positive"

[[operations]]
include-path-regex = '{random_paths}'
phases.coverage.enabled = false
"""


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """Exit status, output, and response statuses by operation."""

    status: int
    output: str
    answers: Mapping[str, set[int]]


@dataclass(slots=True)
class FuzzRun:
    """One run in a separate process."""

    folder: Path
    process: "subprocess.Popen[str]"

    @classmethod
    def start(
        cls,
        folder: Path,
        url: str,
        key: str,
        document: Any,
        *,
        examples: int,
        only_valid: str,
        only_random: str,
    ) -> "FuzzRun":
        """Start a run against ``url`` with ``key`` and the narrowed ``document``.

        Invalid values are not enumerated for the paths that match the expression ``only_valid``,
        and no values at all for those that match ``only_random``.
        """
        folder.mkdir(parents=True)
        operations = _OPERATIONS.format(paths=only_valid, random_paths=only_random)
        (folder / "schemathesis.toml").write_text(operations)
        (folder / "openapi.json").write_text(json.dumps(document))
        arguments = [
            *("run", "openapi.json", f"--url={url}", f"--header=x-api-key: {key}"),
            *(f"--seed={SEED}", "--generation-deterministic"),
            *(f"--max-examples={examples}", "--no-shrink", "--continue-on-failure", "--no-color"),
            *("--phases=examples,coverage,fuzzing", f"--checks={','.join(CHECKS)}"),
            *("--request-timeout=30", "--warnings=off", "--suppress-health-check=all"),
        ]
        (folder / "notes.txt").touch()
        root = Path(__file__).parent.parent.parent
        environment = {
            "SCHEMATHESIS_HOOKS": "kit.http.schemathesis_checks",
            "PYTHONPATH": str(root),
            "OMS_FUZZ_NOTES": str(folder / "notes.txt"),
            "OMS_FUZZ_INVALID_SHARE": str(choose_size(INVALID_SHARE, 1)),
            # Without it each request searches the whole environment for proxies.
            "NO_PROXY": "127.0.0.1",
            # Has the tables of Unicode, whose computation takes seconds.
            "HYPOTHESIS_STORAGE_DIRECTORY": str(root.parent / ".hypothesis"),
        }
        with (folder / "output.txt").open("w") as output_file:
            process = subprocess.Popen(
                [sys.executable, "-m", "schemathesis.cli", *arguments],
                cwd=folder,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output_file,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return cls(folder, process)

    def wait(self, seconds: float) -> FuzzResult:
        """Waits up to ``seconds`` for the end; returns the result."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            output = (self.folder / "output.txt").read_text(encoding="utf-8")[-2000:]
            raise AssertionError(f"schemathesis did not end in {seconds:g} s: {output}") from None
        answers: defaultdict[str, set[int]] = defaultdict(set)
        for line in (self.folder / "notes.txt").read_text(encoding="ascii").splitlines():
            name, _, narrowed = line.partition(" ")
            answers[name].add(int(narrowed))
        return FuzzResult(status, (self.folder / "output.txt").read_text(encoding="utf-8"), answers)

    def stop(self) -> None:
        """Kill the process if it is running."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


def narrow_document(document: Any, parameters: ValuesByName, body_keys: ValuesByName) -> Any:
    """Restricts ``parameters`` and ``body_keys`` of ``document`` to the given values, by name.

    A name of a body key may begin with that of its schema and a dot.
    Requests have a key, and no cookie.
    """
    narrowed = json.loads(json.dumps(document))
    del narrowed["components"]["securitySchemes"]["session"]
    schemas = narrowed["components"]["schemas"]
    values_by_name = {**parameters, **_SHORT_WAITS}
    request_shapes: set[str] = set()
    for methods in narrowed["paths"].values():
        for operation in methods.values():
            operation["security"] = [
                each for each in operation["security"] if "session" not in each
            ]
            for parameter in operation["parameters"]:
                if parameter["name"] in values_by_name:
                    parameter["schema"] = _one_of(values_by_name[parameter["name"]])
            request_shapes |= _referenced_shapes(operation.get("requestBody"), schemas)
    for name in request_shapes:
        own = {key.removeprefix(f"{name}."): each for key, each in body_keys.items()}
        schemas[name] = _restricted(schemas[name], own)
    return narrowed


def _referenced_shapes(node: Any, schemas: Mapping[str, Any]) -> set[str]:
    """The schemas that ``node`` refers to, directly or indirectly."""
    names = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(node)))
    return names.union(*(_referenced_shapes(schemas[name], schemas) for name in names))


def _restricted(node: Any, values_by_name: ValuesByName) -> Any:
    if isinstance(node, list):
        return [_restricted(item, values_by_name) for item in node]
    if not isinstance(node, dict):
        return node
    narrowed = {key: _restricted(value, values_by_name) for key, value in node.items()}
    for name, schema in narrowed.get("properties", {}).items():
        if name in values_by_name:
            nulls = [None] if _takes_null(schema) else []
            narrowed["properties"][name] = _one_of([*values_by_name[name], *nulls])
    return narrowed


def _takes_null(schema: Any) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def _one_of(values: Sequence[object]) -> dict[str, Any]:
    return {"enum": list(values)}
