"""Sources of settings and keys: flag > environment > .env > config file > default."""

import io
import json
from argparse import Namespace
from pathlib import Path

import pytest

from oms.cli.install import check_key
from oms.cli.output import CommandFailed
from oms.cli.processes import require_master_key
from oms.cli.settings import command_settings, environment, read_secret
from oms.config import load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder without settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in list(environment()):
        if name.startswith("OMS_"):
            monkeypatch.delenv(name)
    return tmp_path


def _asked(**flags: object) -> Namespace:
    return Namespace(**{"host": None, "port": None} | flags)


def test_precedence_of_sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command_settings(_asked()).port == 8000
    (folder / "oms.json").write_text(json.dumps({"port": 1, "host": "file", "home": "there"}))
    (folder / ".env").write_text("OMS_CONFIG=oms.json\n# OMS_PORT=7\n")
    assert command_settings(_asked()).port == 1
    (folder / ".env").write_text("OMS_CONFIG=oms.json\nOMS_PORT='2'\nOMS_HOST=dotenv\n")
    assert command_settings(_asked()).port == 2
    monkeypatch.setenv("OMS_PORT", "3")
    assert command_settings(_asked()).port == 3
    settings = command_settings(_asked(port=4))
    assert (settings.port, settings.host, settings.home) == (4, "dotenv", Path("there"))


def test_repr_has_no_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_MASTER_KEY", "hidden-key")
    monkeypatch.setenv("OMS_DATABASE_URL", "mysql+asyncmy://oms:hidden@host/oms")
    settings = command_settings(_asked())
    assert settings.master_key == "hidden-key"
    assert "hidden" not in repr(settings) + str(settings)
    monkeypatch.setenv("OMS_MASTER_KEY_FILE", "there")
    (folder / "oms.json").write_text('{"master_key": {"hidden": "hidden"}, "database_url": 7}')
    for name in ("OMS_MASTER_KEY", "OMS_DATABASE_URL"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMS_CONFIG", "oms.json")
    with pytest.raises(CommandFailed) as wrong:
        command_settings(_asked())
    assert "hidden" not in wrong.value.message and "master_key" in wrong.value.message


def test_nested_setting_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_COMMANDS_MAX_QUEUE_S", "7")
    assert command_settings(_asked()).commands.max_queue_s == 7


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("OMS_PORT", "many", "port"), ("OMS_CONFIG", "absent.json", "absent.json")],
)
def test_invalid_setting_is_one_line(
    name: str, value: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(CommandFailed) as wrong:
        command_settings(_asked())
    assert wrong.value.status == 2
    assert text in wrong.value.message and "\n" not in wrong.value.message


def test_a_key_comes_from_a_flag_a_file_or_stdin(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "key").write_text("from-a-file\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\nmore\n"))
    ways = {"api_key": None, "api_key_file": None, "api_key_stdin": False}
    assert read_secret(Namespace(**ways | {"api_key": "plain"}), "api-key") == "plain"
    assert read_secret(Namespace(**ways | {"api_key_file": "key"}), "api-key") == "from-a-file"
    assert read_secret(Namespace(**ways | {"api_key_stdin": True}), "api-key") == "from-stdin"
    assert read_secret(Namespace(**ways), "api-key") is None
    with pytest.raises(CommandFailed, match="absent"):
        read_secret(Namespace(**ways | {"api_key_file": "absent"}), "api-key")


@pytest.mark.parametrize("text", ["short", "x" * 129, "with a space", "ümlaut-key", ""])
def test_invalid_key_is_refused(text: str) -> None:
    with pytest.raises(CommandFailed) as refused:
        check_key(text)
    assert refused.value.status == 2


def test_short_key_prints_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    check_key("x" * 23)
    assert "easily guessed" in capsys.readouterr().err
    check_key("x" * 24)
    check_key(None)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("network", ["proxy", "10.0.0.0/40", "::ffff:10.0.0.0/104"])
def test_invalid_networks_of_proxies_are_refused(
    monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    monkeypatch.setenv("OMS_TRUSTED_PROXIES", f"192.0.2.1,{network}")
    with pytest.raises(CommandFailed) as wrong:
        command_settings(_asked())
    assert "trusted_proxies" in wrong.value.message and network in wrong.value.message


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("OMS_LOG_LEVEL", "LOUD", "log_level: 'LOUD' is not one of DEBUG, INFO"),
        ("OMS_DATABASE_URL", "oms:hidden@host", "database_url: a URL like"),
    ],
)
def test_an_invalid_setting_is_named(
    name: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(CommandFailed) as failed:
        command_settings(_asked())
    assert failed.value.status == 2
    assert said in failed.value.message and "hidden" not in failed.value.message


def test_a_log_level_may_be_written_in_small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_LOG_LEVEL", "debug")
    assert command_settings(_asked()).log_level == "DEBUG"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mysql+asyncmy://oms:hidden@host:3306/oms?a=b", "mysql at host:3306/oms"),
        ("mysql+aiomysql://oms:hid?d@en/@host/oms", "mysql at host/oms"),
        ("sqlite+aiosqlite:////srv/oms.db", "sqlite at /srv/oms.db"),
    ],
)
def test_the_address_of_the_database_has_no_password(
    url: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", url)
    assert command_settings(_asked()).database_address == address


def test_a_profile_sets_defaults_that_can_still_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_PROFILE", "dev")
    settings = command_settings(_asked())
    assert (settings.log_format, settings.risk_presets.paper) == ("text", "open")
    monkeypatch.setenv("OMS_PROFILE", "paper-server")
    settings = command_settings(_asked())
    assert (settings.log_format, settings.risk_presets.paper) == ("json", "standard")
    monkeypatch.setenv("OMS_LOG_FORMAT", "text")
    monkeypatch.setenv("OMS_RISK_PRESETS_PAPER", "strict")
    settings = command_settings(_asked())
    assert (settings.log_format, settings.risk_presets.paper) == ("text", "strict")


@pytest.mark.parametrize("profile", ["dev", "paper-server"])
def test_profiles_without_money_refuse_live_trading(
    profile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_PROFILE", profile)
    monkeypatch.setenv("OMS_LIVE_TRADING_ALLOWED", "true")
    with pytest.raises(CommandFailed, match="live_trading_allowed is refused") as refused:
        command_settings(_asked())
    assert refused.value.status == 2


def test_the_live_profile_needs_a_database_and_a_master_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMS_PROFILE", "live")
    with pytest.raises(CommandFailed, match="database_url is needed"):
        command_settings(_asked())
    monkeypatch.setenv("OMS_DATABASE_URL", "mysql+asyncmy://oms@127.0.0.1/oms")
    monkeypatch.setenv("OMS_LIVE_TRADING_ALLOWED", "true")
    with pytest.raises(CommandFailed, match="master key only") as refused:
        require_master_key(command_settings(_asked()))
    assert refused.value.status == 2 and not (folder / "var").exists()
    monkeypatch.setenv("OMS_MASTER_KEY", "hidden-key")
    settings = command_settings(_asked())
    require_master_key(settings)
    assert settings.log_format == "json" and settings.live_trading_allowed


def test_an_unknown_profile_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_PROFILE", "prod")
    with pytest.raises(CommandFailed, match="profile"):
        command_settings(_asked())


@pytest.mark.parametrize(
    ("environment", "is_enabled"),
    [
        ({}, True),
        ({"OMS_RUNNER": "off"}, False),
        ({"OMS_RUNNER_ENABLED": "off"}, False),
        ({"OMS_RUNNER": "off", "OMS_RUNNER_ENABLED": "on"}, True),
    ],
)
def test_a_section_is_switched_off_by_its_name(
    environment: dict[str, str], is_enabled: bool
) -> None:
    assert load_settings(environment).runner.enabled is is_enabled


def test_a_section_of_a_file_may_be_a_switch(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"runner": false, "ui": true}')
    settings = load_settings({"OMS_CONFIG": str(path)})
    assert (settings.runner.enabled, settings.ui.enabled) == (False, True)
    path.write_text('{"ui": {"session_hours": 3}}')
    settings = load_settings({"OMS_CONFIG": str(path), "OMS_UI": "off"})
    assert (settings.ui.enabled, settings.ui.session_hours) == (False, 3)
    path.write_text('{"desk": true}')
    with pytest.raises(ValueError, match="desk"):
        load_settings({"OMS_CONFIG": str(path)})
