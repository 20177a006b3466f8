"""``oms.policies``: what is said of a class counts, what is none is refused where it is set."""

import pytest

from oms.domain.errors import Invalid
from oms.wire.account_config.discrepancy_policies import check_policies, read_policies


def test_what_is_said_counts_and_what_nobody_knows_does_not() -> None:
    text = '{"oms":{"policies":{"position_differs":"ask","odd":"auto","deal_extra":"never"}}}'
    assert read_policies(text) == {"position_differs": "ask"}
    assert read_policies("{}") == read_policies("nonsense") == {}


@pytest.mark.parametrize(
    "told", ['{"odd":"auto"}', '{"deal_extra":"never"}', '{"deal_extra":1}', '["auto"]']
)
def test_what_is_no_policy_is_refused(told: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_policies(f'{{"oms":{{"policies":{told}}}}}')
    assert refused.value.code == "extra_config_refused"
    check_policies('{"oms":{"policies":{"deal_extra":"auto"}}}')
