"""HER2 status: what was tested, what criteria and definitions make of it.

`Assay` is what was tested and seen, several of them a `Profile`. `score` gives the IHC score of raw findings,
`classify` the status by published criteria, `meets` the answer of a definition of a study, a label or a guideline.
Truth is three-valued throughout: what was not tested is unknown, and assays that contradict each other are named.
"""

from herbtc.her2._assays import Assay, Profile, Staining
from herbtc.her2._classify import CRITERIA, Classification, Criteria, classify
from herbtc.her2._meets import Verdict, meets
from herbtc.her2._score import Score, score
from herbtc.her2._strata import STRATA
from herbtc.her2._tumours import TUMOURS
from herbtc.models import Clause, Definition

__all__ = [
    "CRITERIA",
    "STRATA",
    "TUMOURS",
    "Assay",
    "Classification",
    "Clause",
    "Criteria",
    "Definition",
    "Profile",
    "Score",
    "Staining",
    "Verdict",
    "classify",
    "meets",
    "score",
]
