"""The container stack, checked without Docker: compose schema, services, Dockerfile, settings.

The compose file is validated against the published Compose schema, in the copy that the package
`check-jsonschema` ships. No image is built or run here;
`make image-proof` executes both files without an engine.
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

from image.dockerfile import read_instructions
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


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    """The compose file of a cluster, anchors resolved."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.cluster.yml").read_text())
    return loaded


def test_the_compose_file_follows_the_published_schema(stack: dict[str, Any]) -> None:
    _validate(stack)


def test_the_schema_rejects_unknown_keys(stack: dict[str, Any]) -> None:
    wrong = json.loads(json.dumps(stack))
    wrong["services"]["api"]["depend_on"] = ["mysql"]
    with pytest.raises(jsonschema.ValidationError, match="depend_on"):
        _validate(wrong)


def test_the_loopback_exchange_is_optional_and_shares_the_network_of_the_worker(
    stack: dict[str, Any],
) -> None:
    service = stack["services"]["loopback"]
    assert service["profiles"] == ["loopback"]
    assert service["network_mode"] == "service:worker"
    (mount,) = service["volumes"]
    source, target = mount.split(":")[:2]
    assert service["entrypoint"] == ["python", target]
    assert (ROOT / source / "__main__.py").is_file()


def test_the_services_and_their_commands(stack: dict[str, Any]) -> None:
    services = stack["services"]
    expected = {"mysql", "master-key", "migrate", "api", "worker", "runner", "loopback"}
    assert services.keys() == expected
    ours = ("master-key", "migrate", "api", "worker", "runner")
    commands = {name: services[name].get("command") for name in ours}
    assert commands == {
        "master-key": ["generate-master-key", "--into-file"],
        "migrate": ["db", "upgrade"],
        "api": ["api", "--host", "0.0.0.0"],
        "worker": ["worker"],
        "runner": ["runner"],
    }
    assert {services[name]["image"] for name in commands} == {"oms-gateway"}


def test_no_service_starts_before_the_migrations(stack: dict[str, Any]) -> None:
    services = stack["services"]
    healthy = {"condition": "service_healthy"}
    done = {"condition": "service_completed_successfully"}
    assert services["migrate"]["depends_on"] == {"mysql": healthy}
    for name in ("api", "worker", "runner"):
        first = {"mysql": healthy, "migrate": done, "master-key": done}
        assert services[name]["depends_on"] == first
    for name in ("mysql", "api", "worker", "runner"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_api_and_worker_share_database_settings_and_notifier_folder(stack: dict[str, Any]) -> None:
    api, worker = stack["services"]["api"], stack["services"]["worker"]
    assert api["environment"] == worker["environment"]
    assert api["volumes"] == worker["volumes"]
    runner = stack["services"]["runner"]  # It opens no credentials of exchanges.
    assert runner["environment"] == api["environment"] | {"OMS_MASTER_KEY": ""}
    used = {volume.split(":")[0] for volume in api["volumes"] if not volume.startswith("$")}
    assert used <= stack["volumes"].keys()
    notifier_dir = load_settings({"OMS_CONFIG": str(EXAMPLE)}).notifier_socket_dir
    assert f"notifier:{notifier_dir}" in api["volumes"]


def test_one_service_creates_the_master_key_and_all_read_it(stack: dict[str, Any]) -> None:
    services = stack["services"]
    file = load_settings({"OMS_CONFIG": str(EXAMPLE)}).key_file
    assert f"keys:{file.parent}" in services["master-key"]["volumes"]
    for name in ("api", "worker"):
        assert f"keys:{file.parent}:ro" in services[name]["volumes"]
    # A volume takes owner and mode from the folder in the image: it must belong to the user.
    recipe = (ROOT / "apps" / "Dockerfile").read_text()
    assert f"-o oms -g oms -m 0700 /var/lib/oms {file.parent}" in recipe
    assert "keys" in stack["volumes"]


def test_the_runner_cannot_read_the_master_key(stack: dict[str, Any]) -> None:
    settings = load_settings({"OMS_CONFIG": str(EXAMPLE)})
    signal_folder = settings.signal_key_path.parent
    services = stack["services"]
    runner = services["runner"]["volumes"]
    assert f"signal-key:{signal_folder}:ro" in runner
    assert not [volume for volume in runner if volume.startswith("keys:")]
    assert not signal_folder.is_relative_to(settings.key_file.parent)
    assert settings.master_key is None, "the runner mounts the config file"
    assert f"signal-key:{signal_folder}" in services["master-key"]["volumes"]
    assert f"signal-key:{signal_folder}:ro" in services["api"]["volumes"]
    assert f" {signal_folder} " in (ROOT / "apps" / "Dockerfile").read_text()


def test_the_cluster_follows_the_published_schema(cluster: dict[str, Any]) -> None:
    _validate(cluster)


def test_the_cluster_has_the_parts_of_the_tests(cluster: dict[str, Any]) -> None:
    services = cluster["services"]
    nodes = [name for name in services if name.startswith("node")]
    assert nodes == ["node1", "node2", "node3"]
    assert {"haproxy", "valkey", "api1", "api2", "worker", "runner", "migrate"} <= services.keys()
    assert services["worker"]["deploy"] == {"replicas": 3}
    # Each node has data of its own, and only the first may create a cluster.
    assert [services[name]["volumes"][-1] for name in nodes] == [
        f"{n}:/var/lib/mysql" for n in nodes
    ]
    assert ["OMS_BOOTSTRAP" in services[name]["command"] for name in nodes] == [True, False, False]


def test_the_cluster_uses_the_configurations_of_deploy(cluster: dict[str, Any]) -> None:
    services = cluster["services"]
    mounted = {
        volume.split(":")[0]
        for each in services.values()
        for volume in each.get("volumes", ())
        if volume.startswith("./")
    }
    assert mounted == {
        "./deploy/galera/oms.cnf",
        "./deploy/galera/users.sql",
        "./deploy/haproxy/oms-database.cfg",
    }
    assert [name for name in mounted if not (ROOT / name).is_file()] == []
    # Notifications go through Valkey, as on several hosts.
    assert not any("/run/oms" in volume for volume in services["api1"]["volumes"])
    environment = services["api1"]["environment"]
    assert "@haproxy:3306/" in environment["OMS_DATABASE_URL"]
    assert "@haproxy:3307/" in environment["OMS_DATABASE_READ_URL"]
    binds = re.findall(r"bind .*:(\d+)", (ROOT / "deploy/haproxy/oms-database.cfg").read_text())
    assert binds == ["3306", "3307"]


def test_the_runner_of_the_cluster_cannot_read_the_master_key(cluster: dict[str, Any]) -> None:
    runner = cluster["services"]["runner"]
    assert runner["environment"]["OMS_MASTER_KEY"] == ""
    assert not [volume for volume in runner["volumes"] if volume.startswith("keys:")]


def test_the_cluster_has_no_password_and_opens_the_apis_alone(cluster: dict[str, Any]) -> None:
    services = cluster["services"]
    for name in ("node1", "node2", "node3"):
        assert services[name]["environment"]["MARIADB_PASSWORD"].startswith("${OMS_DB_PASSWORD:?")
    ports = {name: each["ports"] for name, each in services.items() if "ports" in each}
    assert ports.keys() == {"api1", "api2"}
    assert all(port.startswith("127.0.0.1:") for each in ports.values() for port in each)


def test_the_file_has_no_password_and_opens_no_database_port(stack: dict[str, Any]) -> None:
    mysql = stack["services"]["mysql"]
    assert mysql["environment"]["MARIADB_PASSWORD"].startswith("${OMS_DB_PASSWORD:?")
    assert "ports" not in mysql
    assert all(port.startswith("127.0.0.1:") for port in stack["services"]["api"]["ports"])


def test_the_example_settings_load_and_name_every_setting() -> None:
    settings = load_settings({"OMS_CONFIG": str(EXAMPLE)})
    example = json.loads(EXAMPLE.read_text())
    assert list(_keys(example)) == list(_fields(Settings))
    assert settings.dsn.startswith("mysql+asyncmy://")
    assert not settings.live_trading_allowed


def test_the_dockerfile_is_well_formed() -> None:
    instructions = list(_instructions())
    assert {instruction for instruction, _ in instructions} <= INSTRUCTIONS
    assert instructions[0][0] == "FROM"
    images = {rest.split()[0] for instruction, rest in instructions if instruction == "FROM"}
    assert images == {"python:3.11-slim-bookworm"}
    assert [rest for instruction, rest in instructions if instruction == "USER"] == ["oms"]
    assert ("ENTRYPOINT", '["oms"]') in instructions


def test_the_image_copies_exactly_the_files_that_are_not_ignored() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = set()
    for instruction, rest in _instructions():
        if instruction == "COPY" and "--from" not in rest:
            copied |= set(rest.split()[:-1])
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_builds_the_page_from_its_sources() -> None:
    instructions = list(_instructions())
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"apps/oms/web", "**/node_modules"} <= set(ignored)
    (build,) = (rest for name, rest in instructions if name == "RUN" and "web_page.py" in rest)
    assert build.endswith("python tools/web_page.py build")
    assert ("COPY", "--from=page /src/apps/oms/web apps/oms/web") in instructions
    # The program imports only what is copied beside it.
    copied = " ".join(rest for name, rest in instructions if name == "COPY")
    text = (ROOT / "tools" / "web_page.py").read_text()
    for module in re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE):
        if (ROOT / "tools" / f"{module}.py").exists():
            assert f"tools/{module}.py" in copied


def _validate(stack: dict[str, Any]) -> None:
    folder = files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text())
    jsonschema.validate(stack, schema)


def _instructions() -> Iterator[tuple[str, str]]:
    for instruction in read_instructions(ROOT / "apps" / "Dockerfile"):
        yield instruction.name, instruction.rest


def _keys(settings: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in settings.items():
        is_section = isinstance(value, dict) and value  # an empty one is a value
        yield from _keys(value, f"{prefix}{name}.") if is_section else [prefix + name]


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _fields(kind, f"{prefix}{name}.")
        else:
            yield prefix + name
