"""The HTTP reference pages document exactly the served routes; their list is generated."""

import re
from collections.abc import Iterator

import pytest

from kit.http.http_pages import (
    INDEX,
    PAGES,
    ROOT,
    TITLES,
    Section,
    all_sections,
    page_text,
    render_index,
    shape_differences,
)
from oms.api.app import served_routes
from oms.api.openapi.document import Operation, operations_of
from oms.domain.access import Permission
from oms.wire import parameters
from oms.wire.error_codes import CODES
from oms.wire.parameters import Parameter, Place

SECTIONS = all_sections()
LINES_MAX = 400
#: Permissions that are not rows of the permission table.
NO_ROW = ("anyone", "any key", "by command")
#: A query parameter that is read by a name of its own, instead of a declared one.
READ = re.compile(r'quer(?:y|y_params)(?:\.get\(|, |\[)"(\w+)"(?!\] =)')


def _routes() -> Iterator[str]:
    for route in served_routes():
        yield from (f"{method} {route.path}" for method in route.methods)


def test_pages_list_the_served_routes() -> None:
    messages = [section.route for section in SECTIONS]
    known = set(_routes())
    assert len(messages) == len(set(messages)) > 50
    assert sorted(known - set(messages)) == []
    assert sorted(set(messages) - known) == []


def test_pages_match_the_route_list() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == set(TITLES)
    index = INDEX.read_text(encoding="utf-8")
    assert render_index(index) == index, "run tools/generate_http_reference.py"


@pytest.mark.parametrize("name", TITLES)
def test_page_length_is_limited(name: str) -> None:
    assert len(page_text(name).splitlines()) <= LINES_MAX


@pytest.mark.parametrize("section", SECTIONS, ids=[section.route for section in SECTIONS])
def test_route_sections_are_complete(section: Section) -> None:
    rows = section.rows
    assert {"who", "answer", "errors"} <= set(rows)
    named = re.match(r"`(\w+)`", rows["who"])
    assert (named and named[1] in set(Permission)) or rows["who"].startswith(NO_ROW)
    words = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)*)`", rows["errors"]))
    assert words <= set(CODES) | REASONS
    assert rows["errors"].startswith("none") or words & set(CODES)


REASONS = {
    *("too_many_positions", "too_many_orders"),
    *("order_already_assigned", "target_position_account_mismatch"),
    *("target_position_symbol_mismatch", "target_position_side_mismatch"),
    *("order_not_in_doubt", "order_differs", "exchange_order_id"),
    *("order_ids", "period", "results", "confirm", "too_early", "released"),
    *("cause_stands", "fired", "disarmed"),
    *("private_address", "apprise_missing", "secret", "too_many", "name"),
    "no_master_key",
    *("disabled", "queued"),
    *("invalid_side", "invalid_price", "invalid_levels", "unknown_symbol", "ambiguous_symbol"),
    "unfilled_placeholder",
    *(
        "unknown_strategy",
        "unknown_version",
        "unknown_instrument",
        "bot_not_stopped",
        "bot_overlap",
    ),
    *("past_date", "date_too_far", "close_before_open", "override_exists"),
    *(
        "keys_per_user",
        "limit",
        "value",
        "set_by",
        "unknown_key",
        "equity_unknown",
        "too_many_alerts",
    ),
}


@pytest.mark.parametrize("section", SECTIONS, ids=[section.route for section in SECTIONS])
def test_routes_have_examples_with_responses(section: Section) -> None:
    examples = [text for language, text in section.blocks if language == "bash"]
    answers = [text for language, text in section.blocks if language in ("json", "text")]
    assert examples and answers
    method, path = section.route.split(" ")
    shown = " ".join(examples)
    fixed = re.escape(path)
    pattern = re.sub(r"\\\{\w+\\\}", r"[^/ ]+", fixed)
    assert re.search(pattern, shown), pattern
    assert method in (*re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) ", shown), _curl(shown))


def _curl(shown: str) -> str:
    """Return the method of a ``curl`` command without ``-X``."""
    return "POST" if " -d " in shown else "GET"


def test_query_parameters_are_documented() -> None:
    declared = [one for one in vars(parameters).values() if isinstance(one, Parameter)]
    read = {one.name for one in declared if one.place is Place.QUERY} - {parameters.CACHE.name}
    result = "".join(page_text(name) for name in TITLES)
    assert len(read) > 20
    sources = [
        *(ROOT / "apps/oms/api/routes").glob("*.py"),
        *(ROOT / "apps/oms/wire").rglob("*.py"),
    ]
    assert [path.name for path in sources if READ.search(path.read_text(encoding="utf-8"))] == []
    assert sorted(name for name in read if not re.search(rf"`{name}[`=]", result)) == []


#: Names of groups of parameters.
SEVERAL = {
    "window": {"start_date", "end_date", "tz", "since", "until"},
    "paging": {"page", "page_size", "sort", "with_total", "cursor"},
}
#: Parameters of all histories that some ignore.
OF_HISTORIES = {"status", "reconciled", "symbol", "strategy_id", "cache"}
#: A key read by a shared function without effect here.
NO_USE = {"POST /user/api-keys": {"user_id"}}
PUBLISHED = {f"{one.method} {one.route.path}": one for one in operations_of(served_routes())}
BOTH = [section for section in SECTIONS if section.route in PUBLISHED]


def test_most_routes_are_published() -> None:
    assert len(BOTH) > 50


@pytest.mark.parametrize("section", BOTH, ids=[section.route for section in BOTH])
def test_parameters_and_keys_are_those_of_the_openapi_document(section: Section) -> None:
    operation = PUBLISHED[section.route]
    query = section.rows.get("query", "")
    result = set(re.findall(r"`(\w+)[`=]", query)) - {"Prefer", "now"}
    for word, names in SEVERAL.items():
        result |= names if word in query else set()
    published = {one.name for one in operation.parameters if one.place is Place.QUERY}
    assert result - published == set()
    assert published - result <= OF_HISTORIES
    body = section.rows.get("body", "")
    keys = _keys_of(operation) - NO_USE.get(section.route, set())
    assert keys - set(re.findall(r"`(\w+)[`:]", body)) == set()


def _keys_of(operation: Operation) -> set[str]:
    """Return the keys of a body with a single schema."""
    body = operation.docs.body
    if body is None or "$ref" not in body.schema:
        return set()
    shape = body.build_schemas()[body.schema["$ref"].rpartition("/")[2]]
    return set(shape.get("properties", ()))


def test_differences_are_found() -> None:
    assert shape_differences({"a": 1, "b": [{"c": None}]}, {"a": 2.0, "b": [{"c": "x"}]}) == []
    assert shape_differences({"a": 1}, {"a": "1"}) == ["$.a: str"]
    assert shape_differences({"a": 1}, {"b": 1}) == ["$.a", "$.b"]
    assert shape_differences([{"a": 1}], []) == ["$ is empty"]
    assert shape_differences({"limits": [1]}, {"limits": [1, 2]}) == ["$.limits has 2 items"]
    assert shape_differences([{"a": 1}], [{}]) == ["$[0].a"]
