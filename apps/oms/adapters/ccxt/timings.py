"""How often is asked, how long is waited: the times of the ccxt adapter, in seconds."""

from oms.domain.value import value


@value
class Timings:
    """The usual times; tests take shorter ones."""

    #: A request is sent within so long of its admission, or never.
    send_within_seconds: float = 10
    #: Readings of an account with live orders, and without.
    live_poll_seconds: float = 2
    idle_poll_seconds: float = 30
    #: The same while streams stand.
    streaming_poll_seconds: float = 60
    #: Streams stand so long after they were dialled, and the first order waits for them so long.
    stream_settle_seconds: float = 0.5
    first_order_wait_seconds: float = 5
    #: They are dialled anew after no sign of life for so long, or when a reading knows of what
    #: happened so long ago and they do not.
    stream_silence_seconds: float = 60
    stream_delay_seconds: float = 5
    #: The first wait before it, doubled each time, and the last.
    reconnect_seconds: float = 0.1
    reconnect_seconds_max: float = 30
    #: Executions that a stream should have told are looked up so long after their order's state.
    missing_fills_seconds: float = 1
    #: After an outcome the next reading follows so soon.
    wake_delay_seconds: float = 0.25
    #: Looking up what is in doubt: so long after its send, then every ``look_up_every``.
    lookup_delays_seconds: tuple[float, ...] = (0.5, 1.5, 3.5, 7.5, 15.5)
    lookup_interval_seconds: float = 15
    #: Looking for what was acknowledged, to see it done.
    confirm_delays_seconds: tuple[float, ...] = (0.005, 0.05, 0.3, 1, 2, 4, 8)
    #: A request may be carried out so long after its send (plus the clocks' difference).
    window_seconds: float = 15
    #: The same where the exchange does not refuse requests for their age.
    unbounded_window_seconds: float = 60
    #: Two looks that found nothing are so far apart before they count.
    absence_interval_seconds: float = 2
    #: Waits between attempts to send what has not left, and between attempts to connect.
    resend_delays_seconds: tuple[float, ...] = (0.2, 0.5, 1, 2, 4)
    reopen_delays_seconds: tuple[float, ...] = (1, 2, 4, 8, 16, 32, 60)
    #: The same where credentials are refused.
    auth_reopen_delays_seconds: tuple[float, ...] = (60, 120, 240, 480, 900)
    #: Executions are read again from so long before the last one.
    trade_overlap_seconds: float = 60
    #: Executions that an order's state proves are inferred when they are missing so long.
    infer_fills_after_seconds: float = 60
    #: A price asked for is kept fresh so long after it was asked for last.
    ticker_lifetime_seconds: float = 60
    #: Orders that ended are remembered so long.
    remember_seconds: float = 86_400


def nth_delay(times: tuple[float, ...], number: int) -> float:
    """The time of try ``number``, from 0; the last one for all that follow."""
    return times[min(number, len(times) - 1)]
