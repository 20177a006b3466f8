"""The steps of a request flow: retries of reads, errors thrown into the flow, the result."""

from dataclasses import replace
from typing import Any

import pytest

from ccxt_driver.errors import OmsDriverError, driver_error
from ccxt_driver.sansio.flow import READ_RETRY_SECONDS, Flow, Send, Sleep, Step, run_steps
from ccxt_driver.wire import Request

READ = Request(method="GET", path="/oms/orders/1")
TRADE = Request(method="POST", path="/oms/commands")
#: A response, or an error of the client.
Response = dict[str, Any] | Exception


def error(**attributes: Any) -> OmsDriverError:
    return driver_error("ExchangeNotAvailable", "busy", code="x", **attributes)


def one_request(request: Request) -> Flow[Any]:
    body = yield request
    return body["value"]


def run(
    flow: Flow[Any], *responses: Response, seconds_per_call: float = 0.0
) -> tuple[Any, list[Step]]:
    """Runs a flow with these responses to its requests; returns its result and its steps."""
    now, remaining, steps = [0.0], list(responses), list[Step]()
    running = run_steps(flow, 10.0, lambda: now[0])
    try:
        step = next(running)
        while True:
            steps.append(step)
            if isinstance(step, Sleep):
                step = next(running)
                continue
            now[0] += seconds_per_call
            response = remaining.pop(0)
            is_error = isinstance(response, Exception)
            step = running.throw(response) if is_error else running.send(response)
    except StopIteration as done:
        assert not remaining
        return done.value, steps


def test_the_result_of_a_flow() -> None:
    assert run(one_request(TRADE), {"value": 5}) == (5, [Send(TRADE)])


def test_a_retryable_read_is_repeated_twice() -> None:
    first, second = READ_RETRY_SECONDS
    value, steps = run(
        one_request(READ), error(retryable=True), error(retryable=True), {"value": 5}
    )
    assert value == 5
    assert steps == [Send(READ), Sleep(first), Send(READ), Sleep(second), Send(READ)]
    with pytest.raises(OmsDriverError):
        run(one_request(READ), *[error(retryable=True)] * 3)


def test_retry_after_is_respected() -> None:
    _, steps = run(one_request(READ), error(retryable=True, retry_after=3.0), {"value": 5})
    assert steps[1] == Sleep(3.0)


@pytest.mark.parametrize(
    ("request_", "response", "seconds_per_call"),
    [
        (READ, error(retryable=False), 0.0),
        (READ, error(retryable=True), 9.95),
        (READ, error(retryable=True, retry_after=11.0), 0.0),
        (TRADE, error(retryable=True), 0.0),
    ],
)
def test_other_failures_are_not_repeated(
    request_: Request, response: Response, seconds_per_call: float
) -> None:
    with pytest.raises(OmsDriverError):
        run(one_request(request_), response, seconds_per_call=seconds_per_call)


def test_an_error_response_is_thrown_into_the_flow() -> None:
    def with_fallback() -> Flow[str]:
        try:
            yield TRADE
        except RuntimeError as failed:
            body = yield READ
            return f"{failed} {body['value']}"
        return "no error"

    refused = {"detail": {"code": "risk_blocked", "message": "blocked"}}
    assert run(with_fallback(), refused, {"value": 5})[0] == "blocked 5"


def test_other_exceptions_end_the_flow() -> None:
    with pytest.raises(KeyError):
        run(one_request(READ), KeyError("bug"))


def test_the_delay_of_a_request_does_not_count_as_its_time() -> None:
    now = [0.0]
    delayed = replace(READ, delay_seconds=30.0)
    steps = run_steps(one_request(delayed), 10.0, lambda: now[0])
    assert next(steps) == Sleep(30.0)
    now[0] += 30.0
    assert next(steps) == Send(delayed)
    assert steps.throw(error(retryable=True)) == Sleep(READ_RETRY_SECONDS[0])
