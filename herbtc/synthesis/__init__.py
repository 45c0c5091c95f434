"""Effects of several studies to one estimate: random-effects and equal-effects models after metafor.

Nothing here knows a catalog: the functions take frames with `yi` and `vi`, from `herbtc.measures.effects`.
"""

from herbtc.synthesis._bayes import HalfCauchy, HalfNormal, Normal
from herbtc.synthesis._binomial import pool_binomial
from herbtc.synthesis._conventions import FEW, p_text
from herbtc.synthesis._distributions import Distribution
from herbtc.synthesis._exact import exact_interval
from herbtc.synthesis._influence import Influence, influence
from herbtc.synthesis._many import Many, pool_many
from herbtc.synthesis._map import MapPrior, map_prior
from herbtc.synthesis._medians import MedianOfMedians, median_of_medians
from herbtc.synthesis._mixtures import BetaMixture
from herbtc.synthesis._pool import pool
from herbtc.synthesis._pooled import Pooled
from herbtc.synthesis._posterior import Posterior, pool_bayes, pool_bayes_binomial
from herbtc.synthesis._refits import Cumulative, LeaveOneOut, cumulative, leave_one_out
from herbtc.synthesis._refusals import shared_patients
from herbtc.synthesis._regression import Regression, regress
from herbtc.synthesis._sensitivity import sensitivity
from herbtc.synthesis._small_studies import TESTS as SMALL_STUDIES
from herbtc.synthesis._small_studies import SmallStudies, small_studies
from herbtc.synthesis._subgroups import Subgroups, subgroups
from herbtc.synthesis._tau2 import TAU2
from herbtc.synthesis._trim_and_fill import Adjusted, TrimAndFill, trim_and_fill

__all__ = [
    "FEW",
    "SMALL_STUDIES",
    "TAU2",
    "Adjusted",
    "BetaMixture",
    "Cumulative",
    "Distribution",
    "HalfCauchy",
    "HalfNormal",
    "Influence",
    "LeaveOneOut",
    "Many",
    "MapPrior",
    "MedianOfMedians",
    "Normal",
    "Pooled",
    "Posterior",
    "Regression",
    "SmallStudies",
    "Subgroups",
    "TrimAndFill",
    "cumulative",
    "exact_interval",
    "influence",
    "leave_one_out",
    "map_prior",
    "median_of_medians",
    "p_text",
    "pool",
    "pool_bayes",
    "pool_bayes_binomial",
    "pool_binomial",
    "pool_many",
    "regress",
    "sensitivity",
    "shared_patients",
    "small_studies",
    "subgroups",
    "trim_and_fill",
]
