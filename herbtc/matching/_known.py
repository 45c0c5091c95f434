from datetime import date
from functools import lru_cache

from attrs import evolve

from herbtc.models import FIGURE_KINDS


@lru_cache(maxsize=32)
def known_on(catalog, day):
    trials = []
    for t in catalog.trials:
        public = {s.key for s in t.sources if (s.published or date(s.year or 1, 12, 31)) <= day}
        figs = evolve(
            t.figures, **{k: tuple(f for f in getattr(t.figures, k) if f.source in public) for k in FIGURE_KINDS}
        )
        trials.append(evolve(t, figures=figs))
    return evolve(
        catalog,
        trials=tuple(trials),
        approvals=tuple(a for a in catalog.approvals if a.decided <= day),
        guidelines=tuple(g for g in catalog.guidelines if g.day <= day),
    )
