"""Log lines: one per record, with fields, without secrets."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from oms import logs

KEY = "oms_" + "aB3_-" * 8 + "xyz"
TOKEN = "tok_" + "aB3_-" * 8 + "xyz"
SESSION = "ses_" + "aB3_-" * 8 + "xyz"
#: What is faster is not compared: the clock is too coarse.
SECONDS_MEASURABLE = 0.001


@contextmanager
def _logging(form: str = "text") -> Iterator[logging.Logger]:
    """A logger with the gateway's configuration, restored afterwards."""
    root = logging.getLogger()
    own = logging.getLogger("oms")
    handlers, level, own_level = root.handlers, root.level, own.level
    logs.setup("info", form)
    try:
        yield logging.getLogger("oms.some.part")
    finally:
        root.handlers = handlers
        root.setLevel(level)
        own.setLevel(own_level)


def test_plain_line_has_the_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with _logging() as logger:
        logger.info("lease_lost account_id=%d", 7, extra={"request_id": "abc"})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("oms.some.part lease_lost account_id=7 request_id=abc")
    assert " INFO [" in line


def test_records_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    with _logging() as logger:
        logger.debug("nothing")
        logging.getLogger("uvicorn.error").info("Started server process")
    assert capsys.readouterr().err == ""


def test_json_has_the_event_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with _logging("json") as logger:
        logger.warning("store_unavailable loop=%s message=%s", "drain", "no answer in time")
        logger.error("request_failed", extra={"path": "/oms", "tries": 2})
        logger.info("Words of another library")
    first, second, third = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["event"], first["loop"]) == ("store_unavailable", "drain")
    assert first["message"] == "no answer in time"
    assert (second["event"], second["path"], second["tries"]) == ("request_failed", "/oms", 2)
    assert third["message"] == "Words of another library" and "event" not in third
    assert first["level"] == "WARNING" and first["logger"] == "oms.some.part"


def test_traceback_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with _logging("json") as logger:
        try:
            raise ValueError("inner")
        except ValueError:
            logger.exception("command_broken")
    assert "ValueError: inner" in json.loads(capsys.readouterr().err)["trace"]


@pytest.mark.parametrize("form", ["plain", "json"])
@pytest.mark.parametrize("text", [f"key={KEY}", f'{{"api_key": "{KEY}"}}', KEY])
def test_api_key_is_redacted(text: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    with _logging(form) as logger:
        logger.info("event_logged it=%s", text, extra={"more": text})
    line = capsys.readouterr().err
    assert KEY not in line and line.count("oms_***") == 2


@pytest.mark.parametrize("text", [f"sent={SESSION}", f'{{"text": "{SESSION}"}}', f"GET /{SESSION}"])
def test_text_of_a_session_is_redacted(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with _logging() as logger:
        logger.info("event_logged it=%s", text, extra={"more": f"_{text}"})
    line = capsys.readouterr().err
    assert SESSION[4:] not in line and line.count("ses_***") == 2


@pytest.mark.parametrize("text", [f"token={TOKEN}", f'{{"token": "{TOKEN}"}}', f"Bearer {TOKEN}"])
def test_login_token_is_redacted(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with _logging() as logger:
        logger.info("event_logged it=%s", text, extra={"more": f"_{text}"})
    line = capsys.readouterr().err
    assert TOKEN[4:] not in line and line.count("tok_***") == 2


def test_password_in_a_url_is_redacted() -> None:
    text = logs.redact_secrets("connect mysql+asyncmy://oms:hunter2@db:3306/oms")
    assert text == "connect mysql+asyncmy://oms:***@db:3306/oms"
    assert logs.redact_secrets("see https://example.org/a:b@c") == "see https://example.org/a:b@c"


def test_similar_words_are_kept() -> None:
    assert logs.redact_secrets("oms_commands oms_deals") == "oms_commands oms_deals"


@pytest.mark.parametrize(
    "text",
    [
        "{'X-BAPI-API-KEY': 'VALUE', 'Accept': 'x'}",
        "{'X-BAPI-SIGN': 'VALUE'}",
        "GET https://api.example.com/api/v3/order?symbol=A&signature=VALUE",
        '{"op": "login", "args": [{"apiKey": "VALUE", "sign": "VALUE"}]}',
        "OK-ACCESS-PASSPHRASE: VALUE",
        "Authorization: Bearer VALUE",
        "wss://stream.example.com/ws?listenKey=VALUE",
    ],
)
@pytest.mark.parametrize("form", ["plain", "json"])
def test_keys_and_signatures_are_redacted(
    text: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with _logging(form) as logger:
        logger.info("request_sent text=%s", text.replace("VALUE", "b64+abc/12=="), extra={"t": 1})
    line = capsys.readouterr().err
    assert "b64" not in line and "***" in line and "request_sent" in line


def test_libraries_log_warnings_without_long_words(capsys: pytest.CaptureFixture[str]) -> None:
    with _logging():
        logging.getLogger("some.library").info("statement")
        logging.getLogger("some.library").warning("args %s", ["k", 12, "0f" * 32])
    (line,) = capsys.readouterr().err.splitlines()
    assert "args ['k', 12, '***']" in line


def test_a_record_that_cannot_be_written_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with _logging() as logger:
        logger.info("request_sent %d", "a secret argument")
    error = capsys.readouterr().err
    assert "secret" not in error and "log_failed" in error


def test_a_long_line_is_redacted_in_linear_time() -> None:
    words = ("a-", "++", "sign", "x=")
    for word in words:
        short, long = (_redaction_seconds(word * repeats) for repeats in (5_000, 50_000))
        assert long < 40 * max(short, SECONDS_MEASURABLE), word  # Ten times as long, not a hundred.
    line = words[0] * 50_000
    assert logs.redact_secrets(f"{line}, my-signature=abc") == f"{line}, my-signature=***"


def _redaction_seconds(line: str) -> float:
    """The processor time of the fastest of three rounds."""
    rounds: list[float] = []
    for _ in range(3):
        started = time.process_time()
        logs.redact_secrets(line)
        logs._redact_line(line, "a.library")
        rounds.append(time.process_time() - started)
    return min(rounds)
