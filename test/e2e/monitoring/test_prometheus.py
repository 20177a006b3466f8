"""Alerts and dashboard of ``deploy``, loaded and queried by a Prometheus that scrapes a gateway.

Grafana itself is not started: its dashboard is read as the data that it is, and each of its queries
is answered by Prometheus.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.gateway.processes import Gateway
from kit.http.client import post_order
from kit.monitoring.prometheus import PrivatePrometheus, promtool
from kit.polling import wait_until

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus/oms.rules.yml").read_text(encoding="utf-8"))
ALERTS: list[dict[str, Any]] = RULES["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana/oms-gateway.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
OBSERVABILITY = (ROOT / "docs/operations/observability.md").read_text(encoding="utf-8")
MONITORING = (ROOT / "docs/operations/monitoring.md").read_text(encoding="utf-8")
FAMILIES = re.findall(r"^\| `(oms_\w+)` \| (\w+) \|", OBSERVABILITY, re.MULTILINE)
SUFFIXES = {"histogram": ("_bucket",)}
FAMILY = re.compile(r"\boms_\w+")
SCRAPE_SECONDS = "250ms"
#: Families that every gateway with a worker and one command has.
ALWAYS = {
    *("oms_up", "oms_workers", "oms_queue_depth", "oms_http_responses_total"),
    *("oms_commands_total", "oms_command_seconds_bucket", "oms_outbox_lag_ms"),
}


@pytest.fixture(scope="module")
def prometheus(
    gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrivatePrometheus]:
    """A server with the example's configuration and all alerts, and a gateway as its target."""
    folder = tmp_path_factory.mktemp("prometheus")
    shutil.copy(DEPLOY / "prometheus/oms.rules.yml", folder)
    example = (DEPLOY / "prometheus/prometheus.example.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(example.replace("127.0.0.1:8000", f"127.0.0.1:{gateway.port}"))
    config["global"] = {"scrape_interval": SCRAPE_SECONDS, "evaluation_interval": SCRAPE_SECONDS}
    post_order(gateway, gateway.account_id)
    with PrivatePrometheus(folder, config) as server:
        wait_until(lambda: server.query('up{job="oms"} == 1'), 30, "the gateway is scraped")
        yield server


def test_the_files_are_valid_and_the_alerts_pass_their_tests() -> None:
    folder = DEPLOY / "prometheus"
    assert "SUCCESS" in promtool("check", "rules", "oms.rules.yml", folder=folder)
    assert "SUCCESS" in promtool("check", "config", "prometheus.example.yml", folder=folder)
    assert "SUCCESS" in promtool("test", "rules", "oms.rules.test.yml", folder=folder)


def test_the_server_loads_all_alerts_and_none_fires(prometheus: PrivatePrometheus) -> None:
    def evaluated() -> list[dict[str, Any]]:
        rules = prometheus.get("/api/v1/rules")["groups"][0]["rules"]
        return rules if all(rule["health"] != "unknown" for rule in rules) else []

    rules = wait_until(evaluated, 30, "the alerts are evaluated")
    assert [rule["name"] for rule in rules] == [rule["alert"] for rule in ALERTS]
    assert {rule["health"] for rule in rules} == {"ok"}
    assert {rule["name"] for rule in rules if rule["state"] != "inactive"} == set()


def test_each_query_of_the_dashboard_is_answered(prometheus: PrivatePrometheus) -> None:
    expressions = [q.replace("$__rate_interval", "1m").replace("$job", ".*") for q in QUERIES]
    assert "$" not in "".join(expressions)

    def answered() -> set[str]:
        found = [each for each in expressions if prometheus.query(each)]
        return set(FAMILY.findall(" ".join(found)))

    # A rate has a value after two scrapes.
    wait_until(lambda: answered() >= ALWAYS, 30, f"there are values of {ALWAYS}")
    printed = promtool("query", "instant", prometheus.url, "oms_workers", folder=DEPLOY)
    assert printed.startswith("oms_workers{")


def test_alerts_and_dashboard_use_documented_families_only() -> None:
    known = {family + suffix for family, kind in FAMILIES for suffix in SUFFIXES.get(kind, ("",))}
    used = set(FAMILY.findall(" ".join([*QUERIES, *(rule["expr"] for rule in ALERTS)])))
    assert used <= known, used - known


def test_the_page_lists_the_alerts() -> None:
    listed = re.findall(r"^\| `(Oms\w+)` \| (\w+) \|", MONITORING, re.MULTILINE)
    assert listed == [(rule["alert"], rule["labels"]["severity"]) for rule in ALERTS]


def test_panels_are_placed_side_by_side_with_ids_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23
