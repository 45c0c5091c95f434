"""HER2 status: what was tested, what criteria and definitions make of it."""

from herbtc.her2._assays import Assay, Profile, Staining
from herbtc.her2._classify import CRITERIA, Classification, Criteria, classify
from herbtc.her2._meets import Verdict, meets
from herbtc.her2._score import Score, score
from herbtc.her2._strata import STRATA
from herbtc.models import Clause, Definition

__all__ = [
    "CRITERIA",
    "STRATA",
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
