"""One portfolio problem solved directly with cvxopt or scipy: `solvers.py FILE ASSETS PERIODS PROBLEM REPETITIONS`.

FILE holds returns as float64, [assets, periods]. Each repetition is a whole fit: covariance (or scenarios) and solution. Prints
{"name", "version", "milliseconds": [...], "objective"}, or {"absent": why}. Debian: apt-get install python3-cvxopt python3-scipy.
"""
import json
import sys
import time


def main():
    path, assets, periods, problem, repetitions = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4], int(sys.argv[5])
    try:
        import numpy as np

        if problem == "min-cvar":
            import scipy
            from scipy.optimize import linprog
            from scipy.sparse import csr_matrix, eye, hstack

            name, version = "scipy, HiGHS", scipy.__version__
        else:
            import cvxopt
            from cvxopt import matrix, solvers

            name, version = "cvxopt", cvxopt.__version__
            solvers.options.update(show_progress=False, abstol=1e-10, reltol=1e-9, feastol=1e-9)
    except ImportError as error:
        return {"absent": str(error)}
    returns = np.fromfile(path).reshape(assets, periods)

    def variance(mean, sharpe):
        covariance = np.cov(returns)
        a = mean[None, :] if sharpe else np.ones((1, assets))
        answer = solvers.qp(
            matrix(2 * covariance * 252), matrix(np.zeros(assets)), matrix(-np.eye(assets)), matrix(np.zeros(assets)), matrix(a), matrix(1.0)
        )
        return answer["primal objective"]

    def diversification():
        covariance = np.cov(returns) * 252
        return variance(np.sqrt(np.diag(covariance)), True)

    def cvar():
        tail = 1 / (0.05 * periods)
        cost = np.concatenate([np.zeros(assets), [1], np.full(periods, tail)])
        rows = hstack([csr_matrix(-returns.T), -np.ones((periods, 1)), -eye(periods)], format="csr")
        budget = csr_matrix(np.concatenate([np.ones(assets), np.zeros(periods + 1)])[None, :])
        bounds = [(0, None)] * assets + [(None, None)] + [(0, None)] * periods
        return linprog(cost, rows, np.zeros(periods), budget, [1], bounds, method="highs").fun

    work = {
        "min-volatility": lambda: variance(None, False),
        "max-sharpe": lambda: variance(returns.mean(axis=1) * 252, True),
        "max-diversification": diversification,
        "min-cvar": cvar,
    }[problem]
    milliseconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        objective = work()
        milliseconds.append(1000 * (time.perf_counter() - start))
    return {"name": name, "version": version, "milliseconds": milliseconds, "objective": objective}


print(json.dumps(main()))
