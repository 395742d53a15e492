"""Every metric of the product, in reading order. Read it from the top: this is what Upboard counts, and how.

One file per family. Each declaration names its fact (one row per what), its clock (which date puts a row in a period),
who is in the base, what is a hit, how long a row has, who gets the credit, and one sentence in the words of a
salesperson.
"""

from __future__ import annotations

from typing import Final

from metrics.catalog.adoption import ADOPTION
from metrics.catalog.appointments import APPOINTMENTS
from metrics.catalog.closing import CLOSING
from metrics.catalog.experience import EXPERIENCE
from metrics.catalog.follow_up import FOLLOW_UP
from metrics.catalog.funnel import FUNNEL
from metrics.catalog.money import MONEY
from metrics.catalog.response import RESPONSE
from metrics.catalog.service import SERVICE
from metrics.catalog.trust import TRUST
from metrics.catalog.volume import VOLUME
from metrics.declare import Metric, MetricError, nearest

METRICS: Final[tuple[Metric, ...]] = (
    *VOLUME,
    *RESPONSE,
    *FOLLOW_UP,
    *FUNNEL,
    *APPOINTMENTS,
    *CLOSING,
    *MONEY,
    *EXPERIENCE,
    *TRUST,
    *ADOPTION,
    *SERVICE,
)
_BY_NAME: Final = {declared.name: declared for declared in METRICS}


def metric(name: str) -> Metric:
    """The metric of that name; MetricError with the nearest name where there is none."""
    if name in _BY_NAME:
        return _BY_NAME[name]
    close = nearest(name, tuple(_BY_NAME))
    known = f"Did you mean {close!r}? " if close else ""
    raise MetricError(f"There is no metric {name!r}.", f"{known}`python -m metrics list` names them all.")
