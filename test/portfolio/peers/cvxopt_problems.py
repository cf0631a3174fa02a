"""Solves the random problems of test/portfolio/random-problems.test.ts with cvxopt and writes what it found.

    /usr/bin/python3 test/portfolio/peers/cvxopt_problems.py > test/portfolio/peers/cvxopt-objectives.json

The problems are made here and there by the same steps from the same random numbers (mulberry32), so that only the value of
each objective has to be kept. Debian: apt-get install python3-cvxopt.
"""
import json
import numpy as np
from cvxopt import matrix, solvers

KINDS = ["utility", "min-variance", "max-return", "min-cvar", "max-sharpe", "costs", "tracking", "long-short"]
solvers.options.update(maxiters=100, show_progress=False)


def mulberry32(seed):
    state = seed & 0xFFFFFFFF

    def draw():
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        t = state
        t = ((t ^ (t >> 15)) * (t | 1)) & 0xFFFFFFFF
        t ^= (t + (((t ^ (t >> 7)) * (t | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        return ((t ^ (t >> 14)) & 0xFFFFFFFF) / 4294967296

    return draw


def make(seed):
    """Assets, scenarios, expected returns, covariance, and what the constraints are made of, in the order of the test."""
    draw = mulberry32(seed)
    count = 5 + int(draw() * 96)
    periods = 60 + int(draw() * 60)
    bell = lambda: draw() + draw() + draw() + draw() - 2
    loadings = [0.5 + draw() for _ in range(count)]
    own = [0.01 + 0.02 * draw() for _ in range(count)]
    drift = [0.001 * draw() for _ in range(count)]
    scenarios = np.empty((count, periods))
    for t in range(periods):
        market = 0.01 * bell()
        for i in range(count):
            scenarios[i, t] = drift[i] + loadings[i] * market + own[i] * bell()
    mean = scenarios.mean(axis=1)
    centred = scenarios - mean[:, None]
    covariance = centred @ centred.T / periods * 252
    for i in range(count):
        covariance[i, i] += 0.01 + 0.01 * draw()
    return dict(
        count=count,
        scenarios=scenarios,
        mu=mean * 252,
        covariance=covariance,
        upper=2 / count + 0.3 * draw(),
        group=[i for i in range(count) if draw() < 0.4],
        group_share=0.3 + 0.3 * draw(),
        aversion=1 + 9 * draw(),
        turnover=0.2 + 0.5 * draw(),
        cost=0.001 + 0.004 * draw(),
    )


def solve(kind, p):
    n, mu, sigma = p["count"], p["mu"], p["covariance"]
    ones, eye = np.ones(n), np.eye(n)
    upper, equal = p["upper"], np.full(n, 1 / n)
    group = np.zeros(n)
    group[p["group"]] = 1
    # What all long-only problems share: 0 <= w <= upper, and at most group_share plus the equal weights' own in the group.
    g = [-eye, eye, group[None, :]]
    h = [np.zeros(n), np.full(n, upper), [p["group_share"] + group.sum() / n]]

    def qp(P, q, G, h, A, b, dims=None):
        m = lambda v: matrix(np.atleast_1d(np.asarray(v, dtype=float)))
        parts = (m(q), matrix(np.vstack(G)), m(np.concatenate(h)), dims, matrix(np.atleast_2d(A)), m(b))
        for tolerance in [1e-11, 1e-10, 1e-9, 1e-8]:  # the tightest that cvxopt reaches
            solvers.options.update(abstol=tolerance / 1000, reltol=tolerance, feastol=tolerance)
            for kktsolver in ["ldl", "chol"]:
                try:
                    answer = solvers.coneqp(matrix(P), *parts, kktsolver=kktsolver) if np.any(P) else solvers.conelp(*parts, kktsolver=kktsolver)
                except (ValueError, ArithmeticError):
                    continue
                if answer["status"] == "optimal":
                    return answer["primal objective"]
        raise ArithmeticError((kind, answer["status"]))

    if kind == "utility":
        return qp(p["aversion"] * sigma, -mu, g, h, ones, 1)
    if kind == "min-variance":
        target = mu @ equal
        return qp(2 * sigma, np.zeros(n), g + [-mu[None, :]], h + [[-target]], ones, 1)
    if kind == "max-return":
        root = np.linalg.cholesky(sigma).T
        limit = np.sqrt(equal @ sigma @ equal)
        dims = {"l": 2 * n + 1, "q": [n + 1], "s": []}
        return qp(np.zeros((n, n)), -mu, g + [np.zeros((1, n)), -root], h + [[limit], np.zeros(n)], ones, 1, dims)
    if kind == "tracking":
        root = np.linalg.cholesky(sigma).T
        dims = {"l": 2 * n + 1, "q": [n + 1], "s": []}
        return qp(np.zeros((n, n)), -mu, g + [np.zeros((1, n)), -root], h + [[0.03], -root @ equal], ones, 1, dims)
    if kind == "min-cvar":
        r = p["scenarios"]
        periods = r.shape[1]
        size = n + 1 + periods
        wide = [np.hstack([block, np.zeros((block.shape[0], 1 + periods))]) for block in g]
        tail = np.hstack([-r.T, -np.ones((periods, 1)), -np.eye(periods)])
        positive = np.hstack([np.zeros((periods, n + 1)), -np.eye(periods)])
        cost = np.concatenate([np.zeros(n), [1], np.full(periods, 1 / (0.1 * periods))])
        return qp(np.zeros((size, size)), cost, wide + [tail, positive], h + [np.zeros(2 * periods)], np.concatenate([ones, np.zeros(1 + periods)]), 1)
    if kind == "max-sharpe":
        # y = t w: upper bounds and the group are multiples of t
        wide = [np.hstack([-eye, np.zeros((n, 1))]), np.hstack([eye, np.full((n, 1), -upper)])]
        wide += [np.hstack([group, [-(p["group_share"] + group.sum() / n)]])[None, :]]
        A = np.vstack([np.hstack([ones, [-1]]), np.hstack([mu, [0]])])
        P = np.zeros((n + 1, n + 1))
        P[:n, :n] = 2 * sigma
        return qp(P, np.zeros(n + 1), wide, [np.zeros(n), np.zeros(n), [0]], A, [0, 1])
    if kind == "costs":
        wide = [np.hstack([block, np.zeros((block.shape[0], n))]) for block in g]
        wide += [np.hstack([eye, -eye]), np.hstack([-eye, -eye]), np.hstack([np.zeros(n), ones])[None, :]]
        P = np.zeros((2 * n, 2 * n))
        P[:n, :n] = p["aversion"] * sigma
        q = np.concatenate([-mu, np.full(n, p["cost"])])
        return qp(P, q, wide, h + [equal, -equal, [p["turnover"]]], np.concatenate([ones, np.zeros(n)]), 1)
    if kind == "long-short":
        wide = [np.hstack([eye, -eye]), np.hstack([-eye, -eye]), np.hstack([np.zeros(n), ones])[None, :]]
        bounds = [np.hstack([eye, np.zeros((n, n))]), np.hstack([-eye, np.zeros((n, n))])]
        P = np.zeros((2 * n, 2 * n))
        P[:n, :n] = p["aversion"] * sigma
        q = np.concatenate([-mu, np.zeros(n)])
        return qp(P, q, wide + bounds, [np.zeros(2 * n), [1.4], np.full(2 * n, upper)], np.concatenate([ones, np.zeros(n)]), 1)
    raise ValueError(kind)


print(json.dumps([solve(KINDS[seed % len(KINDS)], make(seed)) for seed in range(200)]))
