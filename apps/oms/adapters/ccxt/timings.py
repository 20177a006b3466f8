"""Intervals, delays and time limits of the ccxt adapter, in seconds."""

from oms.domain.value import value


@value
class Timings:
    """The defaults; tests use shorter ones."""

    #: A request is sent within this time of its admission, or never.
    send_within_seconds: float = 10
    #: A placement that only waits for the rate limit is sent within this time: the journal gets a
    #: later deadline before the last one passes.
    queue_seconds: float = 60
    #: Interval of polls with live orders, and without.
    live_poll_seconds: float = 2
    idle_poll_seconds: float = 30
    #: Interval of polls while streams are connected.
    streaming_poll_seconds: float = 60
    #: Streams count as connected this long after they were dialled; the first order waits for them
    #: for at most ``first_order_wait_seconds``.
    stream_settle_seconds: float = 0.5
    first_order_wait_seconds: float = 5
    #: Streams reconnect after this long without a message, or when polling found executions that
    #: happened longer ago than ``stream_delay_seconds`` and no stream reported.
    stream_silence_seconds: float = 60
    stream_delay_seconds: float = 5
    #: The first pause before a reconnect, doubled each time, and the longest.
    reconnect_seconds: float = 0.1
    reconnect_seconds_max: float = 30
    #: Executions missing from a stream are looked up this long after their order's status.
    missing_fills_seconds: float = 1
    #: Pause between the outcome of a request and the poll that follows it.
    wake_delay_seconds: float = 0.25
    #: Times of lookups of an unknown outcome since its send, then every
    #: ``lookup_interval_seconds``.
    lookup_delays_seconds: tuple[float, ...] = (0.5, 1.5, 3.5, 7.5, 15.5)
    lookup_interval_seconds: float = 15
    #: Times of lookups that confirm an acknowledged request.
    confirm_delays_seconds: tuple[float, ...] = (0.005, 0.05, 0.3, 1, 2, 4, 8)
    #: The exchange may execute a request this long after its send, plus the clocks' difference,
    #: plus what ``options.recvWindow`` exceeds its default by.
    window_seconds: float = 15
    #: The same where the exchange does not reject stale requests.
    unbounded_window_seconds: float = 60
    #: Two lookups that find nothing count only if they are this far apart.
    absence_interval_seconds: float = 2
    #: Pauses between attempts to send an unsent request, and between attempts to connect.
    resend_delays_seconds: tuple[float, ...] = (0.2, 0.5, 1, 2, 4)
    reopen_delays_seconds: tuple[float, ...] = (1, 2, 4, 8, 16, 32, 60)
    #: Pauses between attempts to connect where credentials are refused.
    auth_reopen_delays_seconds: tuple[float, ...] = (60, 120, 240, 480, 900)
    #: Executions are read again from this long before the last poll.
    trade_overlap_seconds: float = 60
    #: Executions that an order's filled quantity proves are inferred when missing for this long.
    infer_fills_after_seconds: float = 60
    #: They are looked up for this long, where they are neither listed nor inferred.
    follow_fills_seconds: float = 600
    #: A ticker is kept up to date for this long after it was last requested.
    ticker_lifetime_seconds: float = 60
    #: A ticker older than this is none; the first one is waited for this long.
    ticker_age_seconds_max: float = 10
    first_ticker_seconds: float = 2
    #: Balances are read this long after an execution, and not again for a while.
    balance_delay_seconds: float = 1
    balance_pause_seconds: float = 4
    #: Ended orders are remembered this long.
    remember_seconds: float = 86_400

    @property
    def renew_before_seconds(self) -> float:
        """How long before its deadline a placement that waits for the limits gets a later one."""
        return self.send_within_seconds / 4


def nth_delay(times: tuple[float, ...], number: int) -> float:
    """Returns the delay of attempt ``number``, counted from 0; the last one repeats."""
    return times[min(number, len(times) - 1)]
