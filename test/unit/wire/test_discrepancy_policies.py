"""``oms.policies``: known policies apply, invalid ones are refused when set."""

import pytest

from oms.domain.errors import Invalid
from oms.wire.account_config.discrepancy_policies import check_policies, read_policies


def test_known_policies_apply_and_unknown_ones_are_ignored() -> None:
    text = '{"oms":{"policies":{"position_differs":"ask","odd":"auto","deal_extra":"never"}}}'
    assert read_policies(text) == {"position_differs": "ask"}
    assert read_policies("{}") == read_policies("nonsense") == {}


@pytest.mark.parametrize(
    "sent",
    [
        '{"odd":"auto"}',
        '{"deal_extra":"never"}',
        '{"deal_extra":1}',
        '["auto"]',
        '{"order_over_filled":"auto"}',
        '{"order_over_filled":"quarantine"}',
    ],
)
def test_invalid_policies_are_refused(sent: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_policies(f'{{"oms":{{"policies":{sent}}}}}')
    assert refused.value.code == "extra_config_refused"
    check_policies('{"oms":{"policies":{"deal_extra":"auto","order_over_filled":"ask"}}}')
