"""Empirical variational Bayesian matrix factorization by the formulas of the paper, and the cases that Swift is held to.

Nakajima, Sugiyama, Babacan, Tomioka, "Global Analytic Solution of Fully-observed Variational Bayesian Matrix
Factorization", JMLR 14 (2013): theorem 2 (the threshold), section 4 (the free energy over the noise variance, its
bounds). The noise variance is searched with SciPy's bounded scalar minimiser on every interval between two variances at
which a component appears, which is slower than need be and leaves no minimum out.

    python evbmf_reference.py > evbmf.json
"""
import json, platform, sys
import numpy as np, scipy
from scipy.optimize import brentq, minimize_scalar

EPS = np.finfo(float).eps


def phi(z):
    return np.log1p(z) / z - 0.5


def evbmf(matrix):
    """The rank, the noise variance, the threshold on singular values, and the energies they came from."""
    V = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    L, M = V.shape
    energies = np.linalg.svd(V, compute_uv=False) ** 2
    if energies[0] == 0:
        return 0, 0.0, 0.0, energies
    # Rounding is not noise: nothing counts as less than 16 L epsilons of the largest.
    e = np.maximum(energies / energies[0], 16 * L * EPS)
    a = L / M
    tau = brentq(lambda t: phi(t) + phi(t / a), 1e-9 * a, 1e3, xtol=1e-15, rtol=8.9e-16)
    x_bar = (1 + tau) * (1 + a / tau)

    def free_energy(variance):
        x = e / (M * variance)
        noise, x = x[x <= x_bar], x[x > x_bar]
        t = 0.5 * (x - (1 + a) + np.sqrt((x - (1 + a)) ** 2 - 4 * a))
        # psi0 + psi1 with x - t written as 1 + a + a / t (from x = (1 + t)(1 + a / t)), which loses no digits.
        signal = 1 + a + a / t - np.log(x) + np.log(t + 1) + a * np.log(t / a + 1)
        return np.sum(noise - np.log(noise)) + np.sum(signal)

    upper = e.sum() / (L * M)
    most = min(int(np.ceil(L / (1 + a))) - 1, L)
    lower = min(upper, max(e[most] / (M * x_bar), e[most:].sum() / (M * (L - most))))
    edges = np.unique(np.concatenate([[lower, upper], [v for v in e / (M * x_bar) if lower < v < upper]]))
    # Long intervals are cut, because the minimiser is a local one.
    edges = np.unique(np.concatenate([edges] + [np.geomspace(p, q, 8) for p, q in zip(edges, edges[1:])]))
    candidates = [(free_energy(v), v) for v in edges]
    for p, q in zip(edges, edges[1:]):
        r = minimize_scalar(free_energy, bounds=(p, q), method="bounded", options=dict(xatol=1e-10 * p))
        candidates.append((r.fun, r.x))
    variance = min(candidates)[1]
    cut = M * variance * x_bar
    return int(np.sum(e > cut)), variance * energies[0], float(np.sqrt(cut * energies[0])), energies


def cases():
    rng = np.random.default_rng(2013)
    g = rng.standard_normal

    def low(rows, columns, rank, noise, decay=1.0):
        scales = decay ** np.arange(rank)
        return (g((rows, rank)) * scales) @ g((rank, columns)) + noise * g((rows, columns))

    for shape in [(40, 40), (30, 270), (270, 30), (64, 576), (5, 7), (2, 9), (3, 3)]:
        yield "full-rank noise", g(shape)
    for shape, rank in [((20, 30), 5), ((64, 72), 1), ((40, 360), 12), ((90, 30), 3), ((4, 4), 2), ((3, 50), 1)]:
        yield "exact low rank", low(*shape, rank, 0)
    for shape, rank, noise in [((40, 60), 5, 0.5), ((64, 576), 16, 2.0), ((300, 40), 8, 1.0), ((20, 20), 3, 0.1), ((33, 47), 7, 4.0)]:
        yield "low rank and noise", low(*shape, rank, noise)
    for shape, rank, noise, decay in [((64, 288), 64, 1.0, 0.9), ((48, 432), 48, 0.3, 0.85), ((128, 128), 100, 1.0, 0.95), ((256, 64), 64, 0.5, 0.9), ((16, 2304), 16, 3.0, 0.7)]:
        yield "decaying spectrum", low(*shape, rank, noise, decay)
    yield "rank 0", np.zeros((6, 9))
    yield "rank 1", low(24, 31, 1, 0.05)
    yield "one row", g((1, 12))
    yield "one column", g((9, 1))
    yield "one element", np.array([[3.5]])
    yield "identity", np.eye(12)
    yield "small numbers", 1e-12 * low(30, 50, 4, 0.2)
    yield "large numbers", 1e9 * low(30, 50, 4, 0.2)


def main():
    rows = []
    for name, matrix in cases():
        rank, variance, threshold, energies = evbmf(matrix)
        rows.append(
            dict(name=name, rows=matrix.shape[0], columns=matrix.shape[1], rank=rank, noiseVariance=variance,
                 threshold=threshold, energies=[float(v) for v in energies]))
    versions = dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__)
    json.dump(dict(script="evbmf_reference.py", versions=versions, cases=rows), sys.stdout, indent=0)
    print()


if __name__ == "__main__":
    main()
