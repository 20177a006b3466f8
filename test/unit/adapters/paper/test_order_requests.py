"""Orders as requests of the simulation: parameters that it does not have."""

import pytest

from kit.builders import NOON, a_spot_instrument, an_order
from oms.adapters.paper.order_requests import build_new_order
from oms.domain.errors import Invalid


def test_unknown_params_are_ignored_or_refused() -> None:
    instrument = a_spot_instrument()
    order = an_order(params={"workingType": "MARK_PRICE"})
    assert build_new_order(order, instrument, NOON).qty == order.qty
    strict = an_order(params={"workingType": "MARK_PRICE", "unknown": "refuse"})
    with pytest.raises(Invalid, match="workingType") as refused:
        build_new_order(strict, instrument, NOON)
    assert (refused.value.code, refused.value.reason) == (
        "order_type_not_supported",
        "unknown_parameter",
    )
    known = an_order(params={"stopLoss": {"triggerPrice": 90}, "unknown": "refuse"})
    assert build_new_order(known, instrument, NOON).terms.stop_loss is not None
