"""The setup program: what it installs, what it prints without root, when it recreates `.venv`."""

import importlib.util
import subprocess
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.metadata import requires
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
MARIADB_PACKAGES = ["mariadb-server-core", "mariadb-client-core"]
APT = "apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends"
INSTALL_LINE = f"DEBIAN_FRONTEND=noninteractive {APT} python3-venv {' '.join(MARIADB_PACKAGES)}"


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The program, freshly loaded, with its own checkout folder; commands are only recorded."""
    loader = SourceFileLoader("setup_program", str(ROOT / "tools" / "setup"))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    module.ROOT, module.VENV = tmp_path, tmp_path / ".venv"
    module.STAMP = module.VENV / "stamp"
    module.LOCK, module.PROJECT = tmp_path / "lock", tmp_path / "project"
    module.RUNTIME_LOCK = tmp_path / "runtime"
    module.LOCK.write_text("a==1\nb==1")
    module.RUNTIME_LOCK.write_text("a==1")
    module.PROJECT.write_text("[project]")
    module.VENV.mkdir()
    commands: list[tuple[str, ...]] = []
    module.commands = commands
    monkeypatch.setattr(module, "_run", lambda *command: commands.append(command))
    monkeypatch.setattr(module, "_runs", lambda: True)
    monkeypatch.setattr(module, "_compile", lambda: None)
    return module


@pytest.mark.parametrize(
    ("installed", "wanted", "lock"),
    [
        ("RUNTIME_LOCK", [], None),
        ("RUNTIME_LOCK", ["--dev"], "LOCK"),
        ("LOCK", [], None),
        ("LOCK", ["--dev"], None),
    ],
)
def test_only_what_is_missing_is_installed(
    setup: ModuleType, installed: str, wanted: list[str], lock: str | None
) -> None:
    setup.STAMP.write_text(setup._fingerprint(getattr(setup, installed)))
    assert setup.main(wanted) == 0
    if lock is None:
        assert setup.commands == []
    else:
        install, project = setup.commands
        assert install[-2:] == ("-r", str(getattr(setup, lock)))
        assert project[-2:] == ("-e", str(setup.ROOT))
        assert setup.STAMP.read_text() == setup._fingerprint(getattr(setup, lock))


def test_the_first_start_installs_no_tools_of_the_tests(setup: ModuleType) -> None:
    setup._run = _record_and_create_venv(setup)
    assert setup.main([]) == 0
    assert setup.commands[1][-2:] == ("-r", str(setup.RUNTIME_LOCK))
    assert setup.STAMP.read_text() == setup._fingerprint(setup.RUNTIME_LOCK)


def test_an_incomplete_environment_is_recreated(setup: ModuleType) -> None:
    (setup.VENV / "half").write_text("")
    setup._run = _record_and_create_venv(setup)
    assert setup.main([]) == 0
    assert not (setup.VENV / "half").exists()
    assert setup.commands[0][1:3] == ("-m", "venv")
    assert "--require-hashes" in setup.commands[1]
    assert setup.STAMP.read_text() == setup._fingerprint(setup.RUNTIME_LOCK)


def test_a_new_lock_file_updates_the_environment_in_place(setup: ModuleType) -> None:
    setup.STAMP.write_text(setup._fingerprint(setup.LOCK))
    setup.LOCK.write_text("a==2")
    (setup.VENV / "kept").write_text("")
    assert setup.main(["--dev"]) == 0
    assert (setup.VENV / "kept").exists()
    assert [command[3] for command in setup.commands] == ["--disable-pip-version-check"] * 2


def test_an_interrupted_update_leaves_no_stamp(setup: ModuleType) -> None:
    setup.STAMP.write_text("other")

    def broken(*_: str) -> None:
        raise SystemExit("no network")

    setup._run = broken
    with pytest.raises(SystemExit):
        setup.main([])
    assert not setup.STAMP.exists()


def test_without_root_it_prints_the_install_line_and_exits_with_2(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    _pretend_nothing_installed(setup, monkeypatch)
    assert setup.main(MARIADB_PACKAGES) == 2
    assert capsys.readouterr().err.splitlines()[-1] == INSTALL_LINE


def test_root_updates_the_package_lists_only_after_a_failed_install(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    _pretend_nothing_installed(setup, monkeypatch, apt_get="/usr/bin/apt-get")
    commands: list[str] = []
    answers = iter([False, True, True])

    def apt(command: str) -> bool:
        commands.append(command)
        return next(answers)

    setup._apt = apt
    setup._run = _record_and_create_venv(setup)
    assert setup.main(MARIADB_PACKAGES) == 0
    install = INSTALL_LINE.removeprefix("DEBIAN_FRONTEND=noninteractive ")
    assert commands == [install, "apt-get -o DPkg::Lock::Timeout=300 update", install]


def test_a_library_is_installed_if_its_file_exists(setup: ModuleType, tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    assert not setup._is_installed(str(library))
    library.write_bytes(b"")
    assert setup._is_installed(str(library))


def test_no_package_installs_a_service(setup: ModuleType) -> None:
    assert "mariadb-server" not in setup.PACKAGES
    assert "default-mysql-server" not in setup.PACKAGES
    assert "rsync" not in setup.PACKAGES


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("print('built')", ""),
        (
            "print('npm ERR'); print('web page: npm ci failed'); raise SystemExit(1)",
            "the gateway starts without its page: web page: npm ci failed"
            " (log: LOG; again: make ui)",
        ),
        ("import time; time.sleep(60)", "the web desk is still being built"),
    ],
    ids=["built", "failed", "slow"],
)
def test_page_is_built_beside_the_installation(
    setup: ModuleType, capsys: pytest.CaptureFixture[str], program: str, line: str
) -> None:
    (setup.ROOT / "tools").mkdir()
    (setup.ROOT / "tools" / "web_page.py").write_text(program)
    setup.PAGE_LOG = setup.ROOT / "build" / "page.log"
    setup.PAGE_SECONDS_MAX = 1 if "sleep" in program else 60
    started: list[subprocess.Popen[bytes]] = []
    start = setup._start_page_build

    def start_once() -> subprocess.Popen[bytes]:
        assert setup.commands == []
        started.append(start())
        return started[0]

    setup._start_page_build = start_once
    setup._run = _record_and_create_venv(setup)
    assert setup.main(["--page"]) == 0
    started[0].kill()
    started[0].wait()
    said = capsys.readouterr().out.split("set-up: creating .venv (takes a minute)\n")[1]
    wanted = line.replace("LOG", str(setup.PAGE_LOG))
    assert said.startswith(f"set-up: {wanted}") if wanted else said == ""
    assert said.count("\n") == (1 if wanted else 0)


LOCKS = [f"requirements{part}.lock" for part in ("", "-runtime", "-docs", "-node")]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_names_no_index_and_no_path(name: str) -> None:
    for line in (ROOT / name).read_text().splitlines():
        text = line.strip()
        assert "://" not in text and "file:" not in text and " @ " not in text, line
        assert not text.startswith("-") or text.startswith("--hash=sha256:"), line


def test_the_runtime_lock_is_the_part_of_the_lock_that_the_gateway_needs() -> None:
    everything, runtime = _locked("requirements.lock"), _locked("requirements-runtime.lock")
    assert {name: everything.get(name) for name in runtime} == runtime
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = _installed_for([*project["dependencies"], *extras["fast"], *extras["build"]])
    assert needed <= runtime.keys()
    tools = _installed_for(extras["dev"]) - needed
    assert {"pytest", "mypy", "hypothesis"} <= tools <= everything.keys()
    assert not tools & runtime.keys()


def test_programs_with_environments_of_their_own_are_locked_apart() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    for group, texts in groups.items():
        locked = _locked(f"requirements-{group}.lock")
        for text in texts:
            name, _, version = text.partition("==")
            assert f"{name}=={version}" in locked[name]
            assert name not in _locked("requirements.lock")


def _installed_for(requirements: list[str]) -> set[str]:
    """Returns the names of what the requirements install here, directly or indirectly."""
    names: set[str] = set()
    pending = [(Requirement(text), "") for text in requirements]
    while pending:
        requirement, extra = pending.pop()
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        if name in names and not requirement.extras:
            continue
        names.add(name)
        further = [Requirement(text) for text in requires(name) or ()]
        pending += [(each, extra) for each in further for extra in requirement.extras or {""}]
    return names


def _locked(name: str) -> dict[str, set[str]]:
    """Returns the words of each requirement of a lock file (version, marker, hashes), by name."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {line.split("==")[0]: set(line.split()) for line in lines}


def _pretend_nothing_installed(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, apt_get: str | None = None
) -> None:
    monkeypatch.setattr(setup, "_can_make_venv", lambda: False)

    def which(name: str, path: str | None = None) -> str | None:
        return apt_get if name == "apt-get" else None

    monkeypatch.setattr("shutil.which", which)


def _record_and_create_venv(setup: ModuleType) -> object:
    def run(*command: str) -> None:
        setup.commands.append(command)
        setup.VENV.mkdir(exist_ok=True)

    return run
