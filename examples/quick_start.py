"""From import to forest plot: response of HER2-positive biliary tract cancer to HER2-directed therapy.

Run it with `python examples/quick_start.py`; it prints a table and writes quick-start.png into the working folder.
"""

from pathlib import Path

import herbtc
from herbtc import measures, plots, query, synthesis

FIGURE = Path("quick-start.png")

# One row for each arm, although most rates were reported many times: a patient must not be counted twice.
# The line is named because response to first-line therapy, which is combined with chemotherapy, is another question.
rates = query.proportions(endpoint="orr", her2_directed=True, her2="her2-positive", line="second-or-later")

# Some reports print a percentage without a number of patients. It has no variance, so it cannot be pooled.
counted = rates.dropna(subset=["events", "n"])
print(counted[["trial", "agents", "events", "n", "source", "doi"]].to_string(index=False))
without = rates["trial"][~rates.index.isin(counted.index)]
print(f"\nWithout a number of patients: {', '.join(without) or 'none'}")

# Logits stay between 0 and 1 when they come back; the default model allows for differences between studies.
pooled = synthesis.pool(measures.effects(counted, "logit"))

# A paragraph for a methods section. The prediction interval in it, not the confidence interval, says where the true
# rate of a further study may lie.
print(f"\n{pooled.describe()}")

# Rows have the keys of studies; a reader knows their names.
catalog = herbtc.load()
names = [catalog.trial(key).name for key in pooled.rows["trial"]]
ax = plots.forest(pooled, labels=names, title="Objective response, HER2-positive BTC, second line or later")
ax.figure.savefig(FIGURE, dpi=200)
print(f"\nForest plot: {FIGURE}")
