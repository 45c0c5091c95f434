"""What it costs to classify and match a patient, and ten thousand of them.

python -m pytest -s -o addopts= tests/benchmarks/test_matching_cost.py
"""

from __future__ import annotations

import random
from time import perf_counter

import pandas as pd

from herbtc import her2, matching, query

DAY, PLACE = "2026-11-26", "US"


def _patient(chance: random.Random) -> matching.Patient:
    return matching.Patient(
        her2=her2.Assay(ihc=chance.choice(["0", "1+", "2+", "3+"]), ish_ratio=round(chance.uniform(0.8, 6), 3)),
        site=chance.choice(["gallbladder", "intrahepatic", "ampulla"]),
        prior_lines=chance.randrange(3),
        ecog=chance.randrange(3),
    )


def test_a_patient_is_classified_and_matched_in_under_five_milliseconds() -> None:
    chance = random.Random(1)  # noqa: S311
    patients = [_patient(chance) for _ in range(201)]
    matching.options(patients.pop(), as_of=DAY, jurisdiction=PLACE)
    taken = []
    for patient in patients:
        start = perf_counter()
        her2.classify(patient.her2)
        matching.options(patient, as_of=DAY, jurisdiction=PLACE)
        taken.append(perf_counter() - start)
    start = perf_counter()
    for _ in range(50):
        query.proportions(endpoint="orr")
    ratio = sorted(taken)[100] / ((perf_counter() - start) / 50)
    print(f"\nclassified and matched, median of 200: {1000 * sorted(taken)[100]:.2f} ms, {ratio:.1f} x a query")
    assert sorted(taken)[100] < 0.005


def test_ten_thousand_patients_take_seconds() -> None:
    chance = random.Random(2)  # noqa: S311
    frame = pd.DataFrame(
        {
            "ihc": [chance.choice(["0", "1+", "2+", "3+", None]) for _ in range(10_000)],
            "ish_ratio": [round(chance.uniform(0.8, 6), 3) for _ in range(10_000)],
            "site": [chance.choice(["gallbladder", "intrahepatic", "ampulla"]) for _ in range(10_000)],
            "prior_lines": [chance.randrange(4) for _ in range(10_000)],
        }
    )
    matching.options_frame(frame.head(5), as_of=DAY, jurisdiction=PLACE)
    times = {}
    for n in (1_000, 10_000):
        start = perf_counter()
        found = matching.options_frame(frame.head(n), as_of=DAY, jurisdiction=PLACE)
        times[n] = perf_counter() - start
    ratio = times[10_000] / times[1_000]
    print(f"\n10,000 patients: {times[10_000]:.1f} s, {len(found)} rows, {ratio:.1f} x a thousand")
    assert ratio < 15
    assert times[10_000] < 60
