"""The program that builds the web desk: which Node.js, when it builds, what is too large."""

import gzip
import hashlib
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRST = {
    "index.html": {"file": "assets/index.js", "isEntry": True, "imports": ["_shared.js"]},
    "_shared.js": {"file": "assets/shared.js", "css": ["assets/index.css"]},
    "src/chart.tsx": {
        "file": "assets/chart.js",
        "isDynamicEntry": True,
        "imports": ["_shared.js", "_lines.js"],
    },
    "_lines.js": {"file": "assets/lines.js", "imports": ["_shared.js"]},
}


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The modules of the folder can be imported; they are forgotten afterwards."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    names = ("web_page", "node_environment", "page_sizes", "generate_openapi")
    yield
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def program(tools: None, tmp_path: Path) -> ModuleType:
    """The program on a checkout of its own; scripts of npm are recorded."""
    module = importlib.import_module("web_page")
    module.SOURCES, module.RESULT = tmp_path / "web", tmp_path / "oms" / "web"
    module.WORK = tmp_path / "work"
    module.TYPES = module.SOURCES / "src" / "schema.ts"
    (module.SOURCES / "src").mkdir(parents=True)
    (module.SOURCES / "public").mkdir()
    module.RESULT.parent.mkdir()
    module.WORK.mkdir()
    for name in module.INPUTS:
        if "." in name:
            (module.SOURCES / name).write_text(name)
    (module.SOURCES / "src" / "main.tsx").write_text("main")
    module.scripts = []
    node = SimpleNamespace(version="v20.20.0", npm=("npm",))
    module.find_node = lambda **_: node
    module.install_packages = lambda _: None
    module.write_document = lambda: "hash of the document"

    def run_script(_: object, script: str, *arguments: str) -> None:
        module.scripts.append(script)
        if script == "build":
            folder = Path(arguments[arguments.index("--outDir") + 1])
            (folder / "assets").mkdir(parents=True)
            for chunk in FIRST.values():
                (folder / str(chunk["file"])).write_text("text")
            (folder / "assets" / "index.css").write_text("style")
            (folder / "index.html").write_text("page")
            (folder / module.MANIFEST).write_text(json.dumps(FIRST))

    module.run_script = run_script
    return module


def test_page_is_built_when_its_sources_changed(program: ModuleType) -> None:
    assert program.main(["build"]) == 0
    assert program.main(["build"]) == 0
    assert program.scripts == ["build"]
    names = {path.name for path in program.RESULT.iterdir()}
    assert names == {"assets", "build.json", "index.html"}

    program.TYPES.write_text("generated")
    (program.SOURCES / "README.md").write_text("for readers")
    assert program.main(["build"]) == 0
    assert program.scripts == ["build"]
    (program.SOURCES / "src" / "main.tsx").write_text("changed")
    assert program.main(["build"]) == 0
    assert program.scripts == ["build", "build"]
    assert program.read_record()["sources_sha256"] == program.sources_hash()
    assert not (program.WORK / "before").exists()


def test_renamed_file_is_a_change(program: ModuleType) -> None:
    before = program.sources_hash()
    (program.SOURCES / "src" / "main.tsx").rename(program.SOURCES / "src" / "other.tsx")
    assert program.sources_hash() != before


def test_complete_build_is_checked_against_the_routes(program: ModuleType) -> None:
    assert program.main(["build"]) == 0
    assert program.read_record()["openapi_sha256"] is None
    assert program.main(["complete"]) == 0
    assert program.scripts == ["build", "types", "check"]
    assert program.read_record()["openapi_sha256"] == "hash of the document"

    program.find_node = program.install_packages = None  # neither Node.js nor network
    assert program.main(["complete"]) == 0
    assert program.scripts == ["build", "types", "check"]


def test_failure_is_the_last_line_and_the_page_before_stays(
    program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["build"]) == 0
    (program.SOURCES / "src" / "main.tsx").write_text("broken")

    def fail(*_: object) -> None:
        raise program.BuildFailed("npm run build failed")

    program.run_script = fail
    before = program.read_record()
    assert program.main(["build"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "web page: npm run build failed"
    assert program.read_record() == before


def test_check_is_left_out_without_node(
    program: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    def find_node(*, may_install: bool) -> None:
        assert not may_install
        raise program.NodeMissing("there is no Node.js")

    program.find_node = find_node
    assert program.main(["check"]) == 0
    assert "not checked: there is no Node.js" in capsys.readouterr().out
    assert program.scripts == []


@pytest.mark.parametrize(
    ("version", "is_enough"),
    [
        ("v18.20.0", False),
        ("v20.18.9", False),
        ("v20.19.0", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v23.11.0", False),
        ("v24.0.0", True),
        ("v26.1.0", True),
        ("", False),
    ],
)
def test_versions_of_node(tools: None, version: str, is_enough: bool) -> None:
    assert importlib.import_module("node_environment").is_new_enough(version) is is_enough


def test_sizes_are_those_that_a_browser_loads(tools: None, tmp_path: Path) -> None:
    sizes = importlib.import_module("page_sizes")
    (tmp_path / "assets").mkdir()
    lengths: dict[str, int] = {}
    for number, chunk in enumerate(FIRST.values()):
        text = hashlib.sha256(b"%d" % number).hexdigest() * (number + 1)
        (tmp_path / str(chunk["file"])).write_text(text)
        lengths[str(chunk["file"])] = len(gzip.compress(text.encode(), 9))
    (tmp_path / "assets" / "index.css").write_text("style")
    found = sizes.measure(tmp_path, FIRST)
    assert found == {
        "first load": lengths["assets/index.js"] + lengths["assets/shared.js"],
        "route src/chart.tsx": lengths["assets/chart.js"] + lengths["assets/lines.js"],
        "styles": len(gzip.compress(b"style", 9)),
    }
    assert sizes.exceeded(found) == []
    limits = {"first load": 230_000, "route x": 80_000, "styles": 20_000}
    assert sizes.exceeded(limits) == []
    assert sizes.exceeded({name: size + 1 for name, size in limits.items()}) == [
        "first load: 230.0 kB gz, the limit is 230 kB",
        "route x: 80.0 kB gz, the limit is 80 kB",
        "styles: 20.0 kB gz, the limit is 20 kB",
    ]


def test_decimals_of_requests_are_texts_for_the_typed_client(tools: None) -> None:
    generator = importlib.import_module("generate_openapi")
    text = {"type": "string", "pattern": "^[0-9]+$"}
    number = {"type": "number", "exclusiveMinimum": 0}
    assert generator.with_text_decimals({"anyOf": [text, number], "title": "qty"}) == {
        "title": "qty",
        **text,
    }
    null = {"type": "null"}
    assert generator.with_text_decimals([{"anyOf": [text, number, null]}]) == [
        {"anyOf": [text, null]}
    ]
    assert generator.with_text_decimals({"type": ["string", "number"]}) == {"type": "string"}
    assert generator.with_text_decimals({"anyOf": [number, null]}) == {"anyOf": [number, null]}

    document = json.loads(generator.document_text())
    assert len(document["paths"]) > 50
    assert list(_choices_of_numbers(document)) == []


def _choices_of_numbers(schema: Any) -> Iterator[Any]:
    if isinstance(schema, list):
        for one in schema:
            yield from _choices_of_numbers(one)
    elif isinstance(schema, dict):
        kinds = schema.get("type")
        offered = [one.get("type") for one in schema.get("anyOf", ()) if isinstance(one, dict)]
        for words in (offered, kinds if isinstance(kinds, list) else []):
            if "string" in words and "number" in words:
                yield schema
        for one in schema.values():
            yield from _choices_of_numbers(one)
