"""The stack of containers, checked without Docker: schema, wiring, image recipe, settings.

The compose file is validated against the schema that the Compose project publishes, in the copy
that the package `check-jsonschema` carries. Nothing here builds or runs an image.
"""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import BaseModel

from oms.config import Settings, load_settings

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTIONS = frozenset(
    {
        *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
        *("LABEL", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
    }
)
EXAMPLE = ROOT / "config.docker.example.json"


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    """The compose file, anchors resolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.stack.yml").read_text())
    return loaded


def test_the_compose_file_follows_the_published_schema(stack: dict[str, Any]) -> None:
    _validate(stack)


def test_the_schema_would_notice(stack: dict[str, Any]) -> None:
    wrong = json.loads(json.dumps(stack))
    wrong["services"]["api"]["depend_on"] = ["mysql"]
    with pytest.raises(jsonschema.ValidationError, match="depend_on"):
        _validate(wrong)


def test_the_loopback_exchange_is_asked_for_and_stands_where_the_worker_may_reach_it(
    stack: dict[str, Any],
) -> None:
    service = stack["services"]["loopback"]
    assert service["profiles"] == ["loopback"]
    assert service["network_mode"] == "service:worker"
    (mount,) = service["volumes"]
    here, there = mount.split(":")[:2]
    assert service["entrypoint"] == ["python", there]
    assert (ROOT / here / "__main__.py").is_file()


def test_the_services_and_their_commands(stack: dict[str, Any]) -> None:
    services = stack["services"]
    assert services.keys() == {"mysql", "master-key", "migrate", "api", "worker", "loopback"}
    ours = ("master-key", "migrate", "api", "worker")
    commands = {name: services[name].get("command") for name in ours}
    assert commands == {
        "master-key": ["generate-master-key", "--into-file"],
        "migrate": ["db", "upgrade"],
        "api": ["api", "--host", "0.0.0.0"],
        "worker": ["worker"],
    }
    assert {services[name]["image"] for name in commands} == {"oms-gateway"}


def test_nobody_starts_before_the_migrations(stack: dict[str, Any]) -> None:
    services = stack["services"]
    healthy = {"condition": "service_healthy"}
    done = {"condition": "service_completed_successfully"}
    assert services["migrate"]["depends_on"] == {"mysql": healthy}
    for name in ("api", "worker"):
        first = {"mysql": healthy, "migrate": done, "master-key": done}
        assert services[name]["depends_on"] == first
    for name in ("mysql", "api", "worker"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_api_and_worker_share_database_settings_and_doorbell(stack: dict[str, Any]) -> None:
    api, worker = stack["services"]["api"], stack["services"]["worker"]
    assert api["environment"] == worker["environment"]
    assert api["volumes"] == worker["volumes"]
    used = {volume.split(":")[0] for volume in api["volumes"] if not volume.startswith("$")}
    assert used <= stack["volumes"].keys()
    bell = load_settings({"OMS_CONFIG": str(EXAMPLE)}).notifier_dir
    assert f"bell:{bell}" in api["volumes"]


def test_the_master_key_is_made_by_one_and_read_by_all(stack: dict[str, Any]) -> None:
    services = stack["services"]
    file = load_settings({"OMS_CONFIG": str(EXAMPLE)}).key_file
    assert f"keys:{file.parent}" in services["master-key"]["volumes"]
    for name in ("api", "worker"):
        assert f"keys:{file.parent}:ro" in services[name]["volumes"]
    # A volume takes owner and mode from the image's folder: it must be the user's own.
    recipe = (ROOT / "apps" / "Dockerfile").read_text()
    assert f"-o oms -g oms -m 0700 /var/lib/oms {file.parent}" in recipe
    assert "keys" in stack["volumes"]


def test_no_password_stands_in_the_file_and_no_database_port_is_open(stack: dict[str, Any]) -> None:
    mysql = stack["services"]["mysql"]
    assert mysql["environment"]["MARIADB_PASSWORD"].startswith("${OMS_DB_PASSWORD:?")
    assert "ports" not in mysql
    assert all(port.startswith("127.0.0.1:") for port in stack["services"]["api"]["ports"])


def test_the_example_settings_load_and_name_every_setting() -> None:
    settings = load_settings({"OMS_CONFIG": str(EXAMPLE)})
    told = json.loads(EXAMPLE.read_text())
    assert list(_keys(told)) == list(_fields(Settings))
    assert settings.dsn.startswith("mysql+asyncmy://")
    assert not settings.live_trading_allowed


def test_the_image_recipe_is_well_formed() -> None:
    instructions = list(_instructions())
    assert {word for word, _ in instructions} <= INSTRUCTIONS
    assert instructions[0][0] == "FROM"
    images = {rest.split()[0] for word, rest in instructions if word == "FROM"}
    assert images == {"python:3.11-slim-bookworm"}
    assert [rest for word, rest in instructions if word == "USER"] == ["oms"]
    assert ("ENTRYPOINT", '["oms"]') in instructions


def test_the_image_is_made_of_what_is_there_and_what_is_not_ignored() -> None:
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = set()
    for word, rest in _instructions():
        if word == "COPY" and "--from" not in rest:
            copied |= set(rest.split()[:-1])
    assert copied == kept
    assert [name for name in copied if not (ROOT / name).exists()] == []


def _validate(stack: dict[str, Any]) -> None:
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text())
    jsonschema.validate(stack, schema)


def _instructions() -> Iterator[tuple[str, str]]:
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "apps" / "Dockerfile").read_text())
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            word, rest = line.split(maxsplit=1)
            yield word, rest


def _keys(settings: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in settings.items():
        yield from (
            _keys(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
        )


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{prefix}{name}.")
        else:
            yield prefix + name
