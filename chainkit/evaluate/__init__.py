"""Does it pay? Cases, metrics, and reports that say how sure they are.

Nothing here imports numpy or scipy before a number with an interval is asked for.
"""

from chainkit.ensembles.calibrated import Learned, calibrated, load_calibration
from chainkit.evaluate.calibrating import Calibration, calibrate
from chainkit.evaluate.calibration import brier, calibration_error
from chainkit.evaluate.case import Case, EvaluationError, split
from chainkit.evaluate.comparing import Comparison, Difference, acompare, compare
from chainkit.evaluate.evaluating import aevaluate, evaluate
from chainkit.evaluate.fingerprint import fingerprint
from chainkit.evaluate.judging import judged, preferred
from chainkit.evaluate.metric import Metric, metric
from chainkit.evaluate.metrics import contains, exact, f1, hit, mrr, numeric
from chainkit.evaluate.progress import Progress
from chainkit.evaluate.reading import cases
from chainkit.evaluate.report import Report
from chainkit.evaluate.scored import Scored
from chainkit.evaluate.statistics import Estimate

__all__ = [
    "Calibration",
    "Case",
    "Comparison",
    "Difference",
    "Estimate",
    "EvaluationError",
    "Learned",
    "Metric",
    "Progress",
    "Report",
    "Scored",
    "acompare",
    "aevaluate",
    "brier",
    "calibrate",
    "calibrated",
    "calibration_error",
    "cases",
    "compare",
    "contains",
    "evaluate",
    "exact",
    "f1",
    "fingerprint",
    "hit",
    "judged",
    "load_calibration",
    "metric",
    "mrr",
    "numeric",
    "preferred",
    "split",
]
