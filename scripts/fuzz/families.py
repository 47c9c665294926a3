"""Families of generated kernels [T, S, extents...]: noise, decaying, repeated and deficient spectra, dead channels, tensors
whose border rank is below their rank, and plain ones."""
import numpy as np


def orthogonal(n, random):
    return np.linalg.qr(random.standard_normal((n, n)))[0]


def mixed(core, random):
    """Both channel modes turned by random orthogonal matrices."""
    t, s = core.shape[:2]
    return np.einsum("ta,sb,ab...->ts...", orthogonal(t, random), orthogonal(s, random), core)


def noise(shape, random):
    return random.standard_normal(shape)


def decaying(shape, random):
    core, rate = noise(shape, random), 10.0 ** -random.uniform(0, 8)
    for axis in (0, 1):
        decay = rate ** (np.arange(shape[axis]) / max(1, shape[axis] - 1))
        core *= np.moveaxis(decay.reshape(-1, *[1] * (len(shape) - 1)), 0, axis)
    return mixed(core, random)


def deficient(shape, random):
    """Of low multilinear rank, exactly or with a little noise."""
    core = np.zeros(shape)
    corner = tuple(slice(0, int(random.integers(1, n + 1))) for n in shape[:2])
    core[corner] = noise(core[corner].shape, random)
    return mixed(core, random) + random.choice([0, 1e-6]) * noise(shape, random)


def terms(shape, random):
    """A sum of a few rank-one terms."""
    total = np.zeros(shape)
    for _ in range(int(random.integers(1, 6))):
        term = np.ones(())
        for n in shape:
            term = np.multiply.outer(term, random.standard_normal(n))
        total += term
    return total


def repeated(shape, random):
    """Few distinct singular values: an orthogonal sum with equal weights, turned."""
    core = np.zeros(shape)
    for i in range(min(shape[:2])):
        core[(i, i) + tuple(int(random.integers(n)) for n in shape[2:])] = 1
    return mixed(core, random)


def dead(shape, random):
    """The last output or input channels all but nothing, or nothing."""
    kernel, axis = noise(shape, random), int(random.integers(2))
    part = np.moveaxis(kernel, axis, 0)
    part[int(random.integers(1, shape[axis] + 1)):] *= random.choice([0, 1e-12, 1e-20, 1e-36])
    return kernel


def border(shape, random):
    """The limit of differences of ever larger terms: rank 3 where rank 2 comes as near as one likes."""
    kernel = np.zeros(shape)
    axes = [axis for axis, n in enumerate(shape) if n > 1][:3]
    for axis in axes:
        place = [0] * len(shape)
        place[axis] = 1
        kernel[tuple(place)] = 1
    kernel[(0,) * len(shape)] += not axes
    return kernel + random.choice([0, 1e-3]) * noise(shape, random)


def plain(shape, random):
    """Constant, a single number, equal channels, or whole numbers."""
    kind = int(random.integers(4))
    if kind == 0:
        return np.full(shape, random.standard_normal())
    if kind == 1:
        kernel = np.zeros(shape)
        kernel[tuple(int(random.integers(n)) for n in shape)] = 1
        return kernel
    if kind == 2:
        return np.repeat(noise((1,) + shape[1:], random), shape[0], axis=0)
    return random.integers(-2, 3, shape).astype(float)


FAMILIES = (noise, decaying, deficient, terms, repeated, dead, border, plain)
