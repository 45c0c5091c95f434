"""A published meta-analysis of HER2-directed therapy of biliary tract cancer, made again from the figures shipped here.

Run it with `python examples/published_review.py`; it prints the studies, the review's pooled rate beside ours, and what
moves it.

The review is Naleid N et al., JCO Precis Oncol 2025;9:e2400594 (PMID 40239136). What is used of it stands in its
abstract: eight publications from January 2019 to March 2024 with 368 patients, the agents, random effects by REML, and
a pooled response rate of 34 % (95 % CI 24 to 44). The abstract gives no figure of a single study, so the comparison
study by study is of ours with what the studies themselves print, and with theirs only where both are pooled. Its rate
of disease control (64 %) is not compared: of two of the eight studies we reached none.
"""

from __future__ import annotations

import warnings

from herbtc import HerbtcWarning, measures, query, synthesis

# Which studies the eight are is not in the abstract, but their agents and years leave no other choice in this evidence.
REVIEWED = {
    "herizon-btc-01": "cohort-1",
    "mypathway": "btc",
    "sgntuc-019": "btc",
    "herb": "her2-positive",
    "destiny-pantumor02": "btc",
    "tab": "trastuzumab-gemcis",
    "kcsg-hb19-14": "trastuzumab-folfox",
    "summit": "btc",
}
THEIRS = {"k": 8, "n": 368, "percent": "34", "interval": "24 to 44"}


def whole(rate: float) -> str:
    """Return a proportion as the review prints it, in whole percent."""
    return f"{100 * rate:.0f}"


def line(name: str, pooled: synthesis.Pooled) -> str:
    """Return one pooled rate as a line of the table."""
    ends = f"{whole(pooled.conf_low)} to {whole(pooled.conf_high)}"
    return f"{name:<58} {pooled.k:>2} {pooled.n:>4}  {whole(pooled.estimate)} ({ends})"


# Ours, study by study. The review's eight are asked for by name, so that more studies in the evidence change nothing.
rates = query.proportions(endpoint="orr", trial=list(REVIEWED), population="all")
rates = rates[rates["arm"] == rates["trial"].map(REVIEWED)].reset_index(drop=True)
low, high = synthesis.exact_interval(rates["events"].to_numpy(float), rates["n"].to_numpy(float))
shown = rates[["trial", "agents", "line", "her2", "events", "n"]].assign(
    percent=(rates["events"] / rates["n"]).map(measures.percent),
    low=[*map(measures.percent, low)],
    high=[*map(measures.percent, high)],
)
print(shown.to_string(index=False))

# Few studies and a tau² far from known: the notes of each result say so, and one warning for each is not needed here.
warnings.simplefilter("ignore", HerbtcWarning)

print(f"\n{'':<58} {'k':>2} {'n':>4}  ORR, % (95 % CI)")
print(f"{'the review':<58} {THEIRS['k']:>2} {THEIRS['n']:>4}  {THEIRS['percent']} ({THEIRS['interval']})")

# Untransformed proportions with a Wald-type interval give the review's numbers to the digit that it prints. Its 368
# patients are our 361 and the 7 of the second cohort of HERIZON-BTC-01, which was not HER2-positive: the rate is that
# of the first cohort, 33 of 80.
as_reviewed = synthesis.pool(measures.effects(rates, "raw"), test="wald")
print(line("ours, as the review pools: raw proportions, Wald-type", as_reviewed))

second = query.proportions(endpoint="orr", trial="herizon-btc-01", arm="cohort-2", population="all")
print(f"{'patients of the second cohort of HERIZON-BTC-01':<58} {'':>2} {second['n'].sum():>4}")

# What the default here does otherwise: logits stay between 0 and 100 %, and with eight studies the uncertainty of tau²
# belongs in the interval.
effects = measures.effects(rates, "logit")
print(line("ours, by default: logits, Hartung-Knapp", synthesis.pool(effects)))

# One of the eight is a first-line study with chemotherapy and one is of mutations: neither is asked the same question.
later = effects[(effects["line"] == "second-or-later") & (effects["her2"] != "erbb2-mutated")]
print(line("  HER2-positive, second line or later", synthesis.pool(later)))

# How far the answer hangs on one study, and on the model.
print(f"\n{synthesis.leave_one_out(effects, by='trial').describe().splitlines()[1]}")
grid = synthesis.sensitivity(rates)
print(
    f"Over {len(grid)} models the pooled rate lies between {whole(grid['estimate'].min())} and "
    f"{whole(grid['estimate'].max())} %, the lower end of its interval between {whole(grid['conf_low'].min())} and "
    f"{whole(grid['conf_low'].max())}, the upper between {whole(grid['conf_high'].min())} and "
    f"{whole(grid['conf_high'].max())} %."
)
pooled = synthesis.pool(effects)
print(
    f"The true rate of a further study may lie between {whole(pooled.pred_low)} and {whole(pooled.pred_high)} % "
    "(95 % prediction interval), which the review's abstract does not say."
)
