"""The setup program: what it installs, what it prints without root, when it recreates `.venv`."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

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
    module.LOCK.write_text("a==1")
    module.PROJECT.write_text("[project]")
    module.VENV.mkdir()
    commands: list[tuple[str, ...]] = []
    module.commands = commands
    monkeypatch.setattr(module, "_run", lambda *command: commands.append(command))
    monkeypatch.setattr(module, "_runs", lambda: True)
    return module


def test_nothing_happens_when_everything_is_installed(setup: ModuleType) -> None:
    setup.STAMP.write_text(setup._fingerprint())
    assert setup.main([]) == 0
    assert setup.commands == []


def test_an_incomplete_environment_is_recreated(setup: ModuleType) -> None:
    (setup.VENV / "half").write_text("")
    setup._run = _record_and_create_venv(setup)
    assert setup.main([]) == 0
    assert not (setup.VENV / "half").exists()
    assert setup.commands[0][1:3] == ("-m", "venv")
    assert "--require-hashes" in setup.commands[1]
    assert setup.STAMP.read_text() == setup._fingerprint()


def test_a_new_lock_file_updates_the_environment_in_place(setup: ModuleType) -> None:
    setup.STAMP.write_text(setup._fingerprint())
    setup.LOCK.write_text("a==2")
    (setup.VENV / "kept").write_text("")
    assert setup.main([]) == 0
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


def test_the_lock_file_names_no_index_and_no_path() -> None:
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        text = line.strip()
        assert "://" not in text and "file:" not in text and " @ " not in text, line
        assert not text.startswith("-") or text.startswith("--hash=sha256:"), line


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
