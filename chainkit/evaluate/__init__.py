"""Does it pay? Cases, metrics, and reports that say how sure they are.

Nothing here imports numpy or scipy before a number with an interval is asked for.
"""

from chainkit.evaluate.case import Case, EvaluationError, split
from chainkit.evaluate.evaluating import Progress, aevaluate, evaluate
from chainkit.evaluate.fingerprint import fingerprint
from chainkit.evaluate.metric import Metric, metric
from chainkit.evaluate.metrics import contains, exact, f1, hit, mrr, numeric
from chainkit.evaluate.reading import cases
from chainkit.evaluate.report import Report
from chainkit.evaluate.scored import Scored
from chainkit.evaluate.statistics import Estimate

__all__ = [
    "Case",
    "Estimate",
    "EvaluationError",
    "Metric",
    "Progress",
    "Report",
    "Scored",
    "aevaluate",
    "cases",
    "contains",
    "evaluate",
    "exact",
    "f1",
    "fingerprint",
    "hit",
    "metric",
    "mrr",
    "numeric",
    "split",
]
