"""A number by which a conditional order is known again where it has no client order id."""

from binascii import crc32
from collections.abc import Mapping

from oms.domain.instrument import InstrumentKind
from oms.domain.value import value

#: At most one part in so many is taken off the time.
_SHARE = 8


@value
class TriggerTag:
    """The parameter of a time in seconds that the venue returns as it was sent.

    How long an order waits for its trigger is shortened by some seconds that follow from its client
    order id, so that two orders of equal terms differ in it.
    """

    kinds: frozenset[InstrumentKind]
    param: str
    #: What ccxt sends without the parameter.
    default: int

    @property
    def seconds_min(self) -> int:
        """The shortest time that can be shortened."""
        return _SHARE

    def is_valid(self, params: Mapping[str, object]) -> bool:
        """Returns whether the parameter is left out, or a number that can be shortened."""
        longest = params.get(self.param, self.default)
        return type(longest) is int and longest >= self.seconds_min

    def seconds(self, client_id: str, params: Mapping[str, object]) -> int:
        """Returns the time that is sent."""
        longest = params.get(self.param, self.default)
        assert isinstance(longest, int), "other values are refused"
        return longest - crc32(client_id.encode()) % (longest // _SHARE)
