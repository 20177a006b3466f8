"""A check that stops at values it cannot use is a finding; the next check goes on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from oms.domain.errors import NotFound, OmsError, Unavailable
from oms.services.verify.findings import Findings, make_finding

logger = logging.getLogger(__name__)

#: What reading and calculating raise at values that the gateway never writes.
_INVALID = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError)


@contextmanager
def stopped_check(findings: Findings, entity: str, row_id: int) -> Iterator[None]:
    """Add a finding if the check inside stops. Raises ``Unavailable``, ``NotFound``."""
    try:
        yield
    except _INVALID as error:
        fields = {"entity": entity, "row_id": row_id}
        logger.error("check_stopped", exc_info=error, extra=fields)
        findings.add(
            [make_finding("check_stopped", entity, row_id, "valid rows", type(error).__name__)]
        )
    except Unavailable as error:
        if error.reason != "damaged":
            raise
        findings.add(
            [make_finding("database_integrity", "database", 1, "a file without damage", "damage")]
        )
    except NotFound:
        raise
    except OmsError as error:
        findings.add([make_finding("check_stopped", entity, row_id, "valid rows", error.message)])
