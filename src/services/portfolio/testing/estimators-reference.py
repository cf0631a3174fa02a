"""Prints what scikit-learn, scipy, pandas and numpy give for two small cases, as JSON: the reference of the estimators' and
the hierarchical tests.

    /usr/bin/python3 src/services/portfolio/testing/estimators-reference.py > src/services/portfolio/testing/estimators-reference.json
"""
import itertools
import json
import warnings

import numpy as np
import pandas as pd
import scipy
import scipy.cluster.hierarchy as hierarchy
import sklearn
from scipy.spatial.distance import squareform
from sklearn import covariance

warnings.simplefilter("ignore")


def rounded(values):
    return np.vectorize(lambda v: float(f"{v:.13g}"))(np.asarray(values, dtype=float)).tolist()


def sample(seed, assets, periods):
    """Correlated returns with two factors and fat tails."""
    random = np.random.default_rng(seed)
    factors = random.standard_t(4, size=(2, periods)) * 0.008
    loadings = random.normal(size=(assets, 2)) * np.array([0.4, 0.3]) + np.array([1.0, 0.0])
    return np.array(rounded(loadings @ factors + random.standard_t(5, size=(assets, periods)) * 0.006)), factors


def analytical_shrinkage(returns):
    """Ledoit and Wolf (2020), appendix C, line by line; n - 1 periods because means are estimated."""
    x = (returns - returns.mean(axis=1, keepdims=True)).T
    n, p = x.shape
    n -= 1
    lam, u = np.linalg.eigh(x.T @ x / n)
    lam = lam[max(0, p - n):]
    big = np.repeat(lam[:, None], min(p, n), axis=1)
    h = n ** (-1 / 3)
    bandwidth = h * big.T
    z = (big - big.T) / bandwidth
    f = 3 / 4 / np.sqrt(5) * np.mean(np.maximum(1 - z**2 / 5, 0) / bandwidth, axis=1)
    hf = -3 / 10 / np.pi * z + 3 / 4 / np.sqrt(5) / np.pi * (1 - z**2 / 5) * np.log(
        np.abs((np.sqrt(5) - z) / (np.sqrt(5) + z)))
    hf = np.mean(hf / bandwidth, axis=1)
    if p <= n:
        d = lam / ((np.pi * p / n * lam * f) ** 2 + (1 - p / n - np.pi * p / n * lam * hf) ** 2)
    else:
        hf0 = 1 / np.pi * (3 / 10 / h**2 + 3 / 4 / np.sqrt(5) / h * (1 - 1 / 5 / h**2) * np.log(
            (1 + np.sqrt(5) * h) / (1 - np.sqrt(5) * h))) * np.mean(1 / lam)
        d0 = 1 / (np.pi * (p - n) / n * hf0)
        d1 = lam / (np.pi**2 * lam**2 * (f**2 + hf**2))
        d = np.concatenate([np.full(p - n, d0), d1])
    return u @ np.diag(d) @ u.T


def gerber(returns, threshold):
    p, n = returns.shape
    limit = threshold * returns.std(axis=1, ddof=1)
    out = np.zeros((p, p))
    for i in range(p):
        for j in range(p):
            plus = minus = neither = 0
            for t in range(n):
                a = 1 if returns[i, t] >= limit[i] else -1 if returns[i, t] <= -limit[i] else 0
                b = 1 if returns[j, t] >= limit[j] else -1 if returns[j, t] <= -limit[j] else 0
                plus += a * b > 0
                minus += a * b < 0
                neither += a == 0 and b == 0
            out[i, j] = (plus - minus) / (n - neither)
    return out


def shortest_order(tree, distance):
    """The least sum of distances between neighbours over all turns of the branches, by trying every one. (scipy 1.10's
    optimal_leaf_ordering finds longer orders on these cases.)"""
    n = len(distance)
    best = np.inf
    for turns in itertools.product((False, True), repeat=n - 1):
        leaves = {i: [i] for i in range(n)}
        for k, turn in enumerate(turns):
            left, right = int(tree[k, 0]), int(tree[k, 1])
            leaves[n + k] = leaves[right] + leaves[left] if turn else leaves[left] + leaves[right]
        order = leaves[2 * n - 2]
        best = min(best, sum(distance[a, b] for a, b in zip(order, order[1:])))
    return float(best)


cases = []
for seed, assets, periods in ((1, 6, 60), (2, 12, 9), (3, 20, 15)):
    x, factors = sample(seed, assets, periods)
    case = {"returns": x.tolist()}
    lw, lw_intensity = covariance.ledoit_wolf(x.T)
    oas, oas_intensity = covariance.oas(x.T)
    case["ledoitWolf"] = {"covariance": rounded(lw), "intensity": float(lw_intensity)}
    case["oas"] = {"covariance": rounded(oas), "intensity": float(oas_intensity)}
    if periods >= 13:
        case["nonlinear"] = rounded(analytical_shrinkage(x))
    case["gerber"] = rounded(gerber(x, 0.5))
    frame = pd.DataFrame(x.T)
    case["ewm"] = rounded(frame.ewm(span=10).cov().loc[periods - 1].values)
    correlation = np.corrcoef(x)
    penalty = 0.2
    w, precision = covariance.graphical_lasso(correlation, alpha=penalty, tol=1e-10, enet_tol=1e-12, max_iter=1000)
    case["graphicalLasso"] = {"penalty": penalty, "correlation": rounded(w), "precision": rounded(precision)}
    distance = np.sqrt(np.clip((1 - correlation) / 2, 0, 1))
    np.fill_diagonal(distance, 0)
    condensed = squareform(distance, checks=False)
    case["linkage"] = {}
    for method in ("single", "complete", "average", "ward"):
        tree = hierarchy.linkage(condensed, method=method)
        case["linkage"][method] = {
            "merges": rounded(tree),
            "leaves": hierarchy.leaves_list(tree).tolist(),
            "shortestOrder": shortest_order(tree, distance) if assets <= 12 else None,
            "clusters3": hierarchy.fcluster(tree, 3, criterion="maxclust").tolist(),
            "cophenetic": float(hierarchy.cophenet(tree, condensed)[0]),
        }
    cases.append(case)

print(json.dumps({
    "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "sklearn": sklearn.__version__, "pandas": pd.__version__},
    "cases": cases,
}))
