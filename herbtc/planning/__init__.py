"""Single-arm trials of a response rate: their size, their rule, and how they behave over the range of true rates.

Every probability is exact, by the binomial distribution. Rates, errors and power run from 0 to 1. A rule is written as
Simon wrote it: the treatment is taken further with *more than* `r` responses.
"""

from herbtc.planning._borrowing import WEAK, BayesDesign, Borrowing, bayes_design, borrowing
from herbtc.planning._designs import Design, SimonDesigns, SingleStage, TwoStage
from herbtc.planning._sizes import simon, single_stage

__all__ = [
    "WEAK",
    "BayesDesign",
    "Borrowing",
    "Design",
    "SimonDesigns",
    "SingleStage",
    "TwoStage",
    "bayes_design",
    "borrowing",
    "simon",
    "single_stage",
]
