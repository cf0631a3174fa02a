"""Numbers of scipy and numpy for the measures of drift, written to drift-reference.json (scipy 1.10, numpy 1.24)."""
import json
import os

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, ks_2samp, kstwobign, wasserstein_distance

random = np.random.default_rng(7)
samples = [
    (random.normal(0, 1, 40), random.normal(0.5, 1.3, 25)),
    (random.integers(0, 5, 60).astype(float), random.integers(1, 6, 30).astype(float)),
    (random.exponential(2, 15), random.exponential(3, 90)),
    (np.array([1.0]), np.array([2.0, 2.0, 5.0])),
]
counts = [([10, 20, 30, 40], [12, 25, 28, 35]), ([5, 0, 7], [4, 3, 0]), ([100, 100], [1, 99])]


def shares(values, empty):
    filled = np.where(np.array(values) == 0, empty, values).astype(float)
    return filled / filled.sum()


def psi(expected, actual):
    p, q = shares(expected, 0.5), shares(actual, 0.5)
    return float(np.sum((q - p) * np.log(q / p)))


result = {
    "samples": [
        {
            "a": list(a),
            "b": list(b),
            "kolmogorovSmirnov": float(ks_2samp(a, b).statistic),
            "wasserstein": float(wasserstein_distance(a, b)),
        }
        for a, b in samples
    ],
    "counts": [
        {
            "expected": expected,
            "actual": actual,
            "psi": psi(expected, actual),
            "jensenShannon": float(jensenshannon(shares(expected, 0), shares(actual, 0)) ** 2),
        }
        for expected, actual in counts
    ],
    "chiSquare": [[x, k, float(chi2.sf(x, k))] for k in (1, 2, 9, 99, 9999) for x in (0.01, k / 2, k, 2 * k, 5 * k)],
    "kolmogorov": [[x, float(kstwobign.sf(x))] for x in (0.3, 0.5, 0.8, 1.0, 1.18, 1.36, 1.63, 2.5, 4.0)],
}
with open(os.path.join(os.path.dirname(__file__), "drift-reference.json"), "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
