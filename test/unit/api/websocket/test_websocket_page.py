"""The WebSocket reference page agrees with the code."""

import ast
import re
from pathlib import Path

from kit.http.event_pages import documented_actions, documented_close_codes
from oms.api.websocket import event_subscriber, send_buffer, server, session, websocket_protocol
from oms.api.websocket.subscribe_request import NAMESPACES, SubscribeRequest
from oms.config_sections import EventSettings

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "reference" / "websocket.md").read_text(encoding="utf-8")
#: Close codes of the WebSocket library.
OF_THE_PROTOCOL = {1009}


def test_page_lists_exactly_the_close_codes() -> None:
    codes = {
        value
        for module in (server, event_subscriber, send_buffer, websocket_protocol, session)
        for value in vars(module).values()
        if isinstance(value, int) and (1000 < value < 1016 or 4400 <= value < 4500)
    }
    assert len(codes) >= 9
    assert {code for code, _ in documented_close_codes()} == codes | OF_THE_PROTOCOL


def test_page_lists_exactly_the_actions() -> None:
    tree = ast.parse(Path(session.__file__).read_text(encoding="utf-8"))
    known = {("system", "ping"), ("system", "auth")}
    for case in (node for node in ast.walk(tree) if isinstance(node, ast.match_case)):
        words = [part.value for part in ast.walk(case.pattern) if isinstance(part, ast.Constant)]
        if len(words) == 2:
            known.add((str(words[0]), str(words[1])))
    assert len(known) >= 8
    assert {(action.namespace, action.name) for action in documented_actions()} == known


def test_page_lists_exactly_the_replies() -> None:
    folder = ROOT / "apps" / "oms" / "api" / "websocket"
    text = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    made = set(re.findall(r'\breply_frame\(\s*(?:\w+\.)?frame, "(\w+)"', text)) - {"error"}
    assert made == {action.reply for action in documented_actions()}


def test_page_lists_the_subscription_keys() -> None:
    (subscribe,) = [action for action in documented_actions() if action.name == "subscribe"]
    assert set(subscribe.keys) == set(SubscribeRequest.__dataclass_fields__)


def test_page_lists_namespaces_and_settings() -> None:
    assert [word for word in NAMESPACES if f"`{word}`" not in PAGE] == []
    result = set(re.findall(r"`events\.(\w+)`", PAGE))
    assert result == set(EventSettings.model_fields)
