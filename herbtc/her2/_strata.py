"""Groups of patients by HER2, as predicates: what it takes for a tumour to be in the group."""

from herbtc.models import Clause, Definition
from herbtc.terms import Her2, IhcScore, IshResult, VariantKind

ZERO, ONE, TWO, THREE = IhcScore

_CLAUSES: dict[Her2, tuple[Clause, ...]] = {
    Her2.IHC_3: (Clause(ihc=(THREE,)),),
    Her2.IHC_2_3: (Clause(ihc=(TWO, THREE)),),
    Her2.IHC_2: (Clause(ihc=(TWO,)),),
    Her2.IHC_2_ISH_POSITIVE: (Clause(ihc=(TWO,), ish=IshResult.POSITIVE),),
    Her2.IHC_2_ISH_NEGATIVE: (Clause(ihc=(TWO,), ish=IshResult.NEGATIVE),),
    Her2.IHC_1_2: (Clause(ihc=(ONE, TWO)),),
    Her2.IHC_1: (Clause(ihc=(ONE,)),),
    Her2.IHC_0_1: (Clause(ihc=(ZERO, ONE)),),
    Her2.IHC_0: (Clause(ihc=(ZERO,)),),
    Her2.AMPLIFIED: (Clause(ish=IshResult.POSITIVE), Clause(ngs_amplified=True)),
    Her2.NOT_AMPLIFIED: (Clause(ish=IshResult.NEGATIVE), Clause(ngs_amplified=False)),
    Her2.PLASMA_AMPLIFIED: (Clause(plasma_amplified=True),),
    Her2.PLASMA_NOT_AMPLIFIED: (Clause(plasma_amplified=False),),
    Her2.MUTATED: (Clause(variant=VariantKind.ANY),),
    Her2.NRG1_FUSION: (Clause(nrg1_fusion=True),),
}

STRATA: dict[Her2, Definition] = {
    group: Definition(
        key=group.name.lower().replace("_", "-"),
        name=str(group),
        words=f"the group {group}",
        group=group,
        any_of=clauses,
        source="-",
        locator="-",
    )
    for group, clauses in _CLAUSES.items()
}
"""Groups whose word alone says who is in them; "positive", "low" and "altered" mean what each study says."""
