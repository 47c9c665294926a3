#!/usr/bin/env python3
"""Decompose generated kernels with `lowrank` and check every claim against NumPy.

    python3 scripts/fuzz_kernels.py [--count 2000] [--seed 1] [--lowrank PATH] [--failures FOLDER] [--case N]

Every form and algorithm; ranks up to the full ones; float16, float32 and float64; magnitudes from 1e-30 to 1e30;
matrices, Conv1D, Conv2D and Conv3D kernels; noise, decaying, repeated and deficient spectra, dead channels, tensors
whose border rank is below their rank. Of each case is demanded, the factors being read from the file in float64:

  - the relative error that is claimed is that of the factors, to rounding; `reconstruct` agrees with both;
  - it is at most `errorBound`, and at most 1, what zero factors have;
  - spatial, channel and svd: at most the optimum, the tail of `numpy.linalg.svd`;
  - Tucker-2: at most the HOSVD bound of NumPy's spectra; HOOI: at most where NumPy's HOOI ends at worst, from several starts;
  - CP: at most the error with fewer terms, to what fifty iterations leave; none at the largest rank;
  - one thread and two give the same bytes.

Rounding: a sum of n products in precision eps is off by about eps sqrt(n) times the root of the sum of their squares; that
root, taken over all elements in norms of the kernel, is `spread` below. A case depends on the seed and its number alone.
Failing cases are kept with their kernel and printed. Needs numpy alone. Exits with 1 where a case fails.
"""
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse, collections, json, multiprocessing, shutil, struct, subprocess, sys, tempfile, time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
METHODS = ("tucker2", "tucker2", "tucker2", "cp3", "cp3", "cp4", "spatial", "spatial-mirrored", "channel",
           "channel-mirrored", "svd")
ALGORITHMS = {"tucker2": (None, "hooi", "hosvd", "st-hosvd"),
              "cp3": (None, "als", "tensor-power", "levenberg-marquardt")}
ALGORITHMS["cp4"] = ALGORITHMS["cp3"]


# Cases

def extent(random):
    """Mostly small and awkward, now and then as large as a layer."""
    return int(random.choice([1, 2, 3, random.integers(4, 14), random.integers(4, 14), random.integers(14, 70)],
                             p=[.08, .1, .1, .3, .3, .12]))


def shape_of(method, random):
    if method == "svd":
        return (extent(random), extent(random)) + ((1, 1) if random.random() < .3 else ())
    axes = 2 if method in ("cp4", "spatial", "spatial-mirrored") else int(random.choice([0, 1, 2, 2, 2, 3]))
    if method == "cp3":
        axes = max(1, axes)
    taps = tuple(int(random.choice([1, 2, 3, 3, 4, 5])) for _ in range(axes))
    return (extent(random), extent(random)) + (tuple(min(t, 3) for t in taps) if axes == 3 else taps)


def scaled(kernel, dtype, random):
    """The kernel at some magnitude, in its type."""
    span = {"float16": (-3, 3), "float32": (-30, 30), "float64": (-30, 30)}[dtype]
    power = 0 if random.random() < .3 else random.uniform(*span)
    largest = np.abs(kernel).max() or 1
    with np.errstate(under="ignore"):
        return (kernel / largest * 10 ** power).astype(dtype)


def highest_ranks(method, shape):
    t, s, taps = shape[0], shape[1], shape[2:]
    if method == "tucker2":
        return [t, s]
    if method in ("cp3", "cp4"):
        extents = [t, s] + ([int(np.prod(taps))] if method == "cp3" else list(taps))
        return [int(np.prod(extents)) // max(extents)]
    if method.startswith("spatial"):
        first, second = taps if method == "spatial" else taps[::-1]
        return [min(s * first, t * second)]
    d = int(np.prod(taps))
    return [min(t, s * d) if method == "channel" else min(s, t * d) if method == "channel-mirrored" else min(t, s)]


def case(seed, number):
    random = np.random.default_rng([seed, number])
    method = METHODS[number % len(METHODS)]
    shape = shape_of(method, random)
    family = FAMILIES[int(random.integers(len(FAMILIES)))]
    dtype = str(random.choice(["float32", "float32", "float64", "float16"]))
    kernel = scaled(family(shape, random), dtype, random)
    # The work of a CP grows with its rank, which may be far beyond what anybody asks for.
    ranks = [min(128, n) if random.random() < .15 else int(random.integers(1, min(n, 96) + 1))
             for n in highest_ranks(method, shape)]
    algorithms = ALGORITHMS.get(method, (None,))
    return kernel, method, ranks, algorithms[int(random.integers(len(algorithms)))], family.__name__


# The oracle

def factors_of(path):
    data = open(path, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    factors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            kind = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
            factors[name] = np.frombuffer(data[start:end], kind).reshape(entry["shape"]).astype(float)
    return factors


def product(method, factors, shape):
    """The dense kernel of factors, and the number of products in each of its elements."""
    f = factors
    if method == "tucker2":
        half = np.tensordot(f["mode1"], f["core"], 1)
        full = np.moveaxis(np.tensordot(f["mode2"], half, (1, 1)), 0, 1)
        return full, f["core"].shape[0] + f["core"].shape[1]
    if method == "svd":
        return (f["left"] @ f["right"]).reshape(shape), f["left"].shape[1]
    if method in ("cp3", "cp4"):
        taps = f["kernel"] if method == "cp3" else f["vertical"][:, :, None] * f["horizontal"][:, None, :]
        rank = taps.shape[0]
        right = f["mode2"].T[:, :, None] * taps.reshape(rank, 1, -1)
        return (f["mode1"] @ right.reshape(rank, -1)).reshape(shape), rank
    rank = f["first"].shape[0]
    if method.startswith("spatial"):
        # Each stage runs along one axis, its extent along the other being 1.
        return np.einsum("rsab,trcd->tsacbd", f["first"], f["second"]).reshape(shape), rank
    first, second = f["first"].reshape(rank, shape[1], -1), f["second"].reshape(shape[0], rank, -1)
    return np.einsum("rsa,trb->tsab", first, second).reshape(shape), rank


def matrix_of(method, kernel):
    """The matrix that a closed form truncates."""
    t, s = kernel.shape[:2]
    if method == "spatial":
        return kernel.transpose(0, 3, 1, 2).reshape(t * kernel.shape[3], -1)
    if method == "spatial-mirrored":
        return kernel.transpose(0, 2, 1, 3).reshape(t * kernel.shape[2], -1)
    if method == "channel-mirrored":
        return kernel.reshape(t, s, -1).transpose(1, 0, 2).reshape(s, -1)
    return kernel.reshape(t, -1)


def tail(matrix, rank):
    values = np.linalg.svd(matrix, compute_uv=False)
    return float(np.sqrt(np.sum(values[rank:] ** 2)))


def leading(matrix, rank):
    u = np.linalg.svd(matrix, full_matrices=True)[0]
    return u[:, :rank]


def hooi(kernel, ranks, second):
    """HOOI from a basis of mode 2, until it stands still: the relative error for a kernel of norm 1."""
    t, s = kernel.shape[:2]
    tensor = kernel.reshape(t, s, -1)
    error = 2.0
    for _ in range(50):
        projected = np.einsum("tsd,sb->tbd", tensor, second)
        first = leading(projected.reshape(t, -1), ranks[0])
        projected = np.einsum("tsd,ta->sad", tensor, first)
        second = leading(projected.reshape(s, -1), ranks[1])
        core = second.T @ projected.reshape(s, -1)
        former, error = error, np.sqrt(max(0.0, 1 - np.sum(core ** 2)))
        if former - error < 1e-9:
            break
    return error


def worst_hooi(kernel, ranks):
    """Where HOOI ends at worst: from the HOSVD, and from leading vectors turned among almost equal values."""
    t, s = kernel.shape[:2]
    unfolded = np.moveaxis(kernel.reshape(t, s, -1), 1, 0).reshape(s, -1)
    random, ends = np.random.default_rng(0), []
    for trial in range(4):
        nudge = 0 if trial == 0 else 1e-7 * random.standard_normal(unfolded.shape) / np.sqrt(unfolded.size)
        ends.append(hooi(kernel, ranks, leading(unfolded + nudge, ranks[1])))
    return max(ends)


# Runs

class Failure(Exception):
    pass


def run(lowrank, kernel, method, ranks, algorithm, threads, folder, name="factors"):
    path = os.path.join(folder, f"{name}{threads}.safetensors")
    command = [lowrank, "decompose", kernel, "-o", path, "--method", method, "--ranks", ",".join(map(str, ranks)),
               "--threads", str(threads), "--json"]
    done = subprocess.run(command + (["--algorithm", algorithm] if algorithm else []), capture_output=True, text=True,
                          timeout=300)
    if done.returncode != 0:
        raise Failure(f"exit {done.returncode}: {done.stderr.strip()[-300:]}")
    report = json.loads(done.stdout)
    report.pop("seconds")
    return report, path


def check(lowrank, folder, kernel, method, ranks, algorithm):
    path = os.path.join(folder, "kernel.npy")
    np.save(path, kernel)
    report, written = run(lowrank, path, method, ranks, algorithm, 1, folder)
    other, parallel = run(lowrank, path, method, ranks, algorithm, 2, folder)
    if open(written, "rb").read() != open(parallel, "rb").read() or report != other:
        raise Failure(f"threads: {report['relativeError']!r} with one, {other['relativeError']!r} with two")

    largest = float(np.abs(kernel).max()) or 1.0
    whole = kernel.astype(float) / largest
    norm = float(np.linalg.norm(whole)) or 1.0
    factors = factors_of(written)
    dense, count = product(method, factors, kernel.shape)
    squares, _ = product(method, {k: v ** 2 for k, v in factors.items()}, kernel.shape)
    spread = float(np.sqrt(np.sum(squares / largest ** 2))) / norm
    true = float(np.linalg.norm(whole - dense / largest)) / norm
    claimed, bound = report["relativeError"], report["errorBound"]
    if not np.isfinite(true) or not np.isfinite(claimed):
        raise Failure(f"claimed {claimed}, true {true}")

    stored = np.finfo(np.float32 if kernel.dtype != np.float64 else np.float64).eps
    # Errors under 1e-3 are claimed from a reconstruction in float64; norms of n numbers round by sqrt(n) of them at most.
    summed = stored if true > 9e-4 else np.finfo(float).eps
    exact = np.finfo(float).eps * np.sqrt(kernel.size)
    rounding = summed * np.sqrt(count) * spread + exact
    expect(abs(claimed - true) <= rounding, f"claimed {claimed!r}, true {true!r}, rounding {rounding:.1e}")
    expect(true <= bound + rounding, f"error {true!r} above errorBound {bound!r}, rounding {rounding:.1e}")
    # What storing the factors and the products that lead to them may add: the extents are the lengths of those, and 4 the
    # modest multiple of LAPACK's error bounds.
    storage = 4 * stored * np.sqrt(sum(kernel.shape[:2]) + kernel[0, 0].size + count) * max(1.0, spread)
    expect(true <= 1 + storage, f"error {true!r} is more than that of zero")
    check_reconstruction(lowrank, folder, written, dense / largest / norm, largest * norm, rounding + storage)
    compare(lowrank, folder, path, whole / norm, method, ranks, algorithm, true, storage)
    return claimed - true


def expect(condition, message):
    if not condition:
        raise Failure(message)


def check_reconstruction(lowrank, folder, written, dense, unit, rounding):
    path = os.path.join(folder, "dense.npy")
    done = subprocess.run([lowrank, "reconstruct", written, "-o", path], capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0, f"reconstruct: {done.stderr.strip()[-300:]}")
    difference = float(np.linalg.norm(np.load(path).astype(float) / unit - dense))
    expect(difference <= rounding, f"reconstruct differs by {difference:.1e}, rounding {rounding:.1e}")


def compare(lowrank, folder, path, kernel, method, ranks, algorithm, true, storage):
    """The error beside the best, or what others reach; the kernel has norm 1."""
    if method in ("cp3", "cp4"):
        if ranks == highest_ranks(method, kernel.shape):
            expect(true <= storage, f"error {true!r} where a sum of {ranks[0]} terms is exact")
        for fewer in sorted({ranks[0] // 2, ranks[0] - 1} - {0}):
            less = run(lowrank, path, method, [fewer], algorithm, 1, folder, "fewer")[0]["relativeError"]
            # One percent is what the correction of cancelling terms may add (CPOptions.errorIncrease). No theory bounds
            # where alternating least squares ends: the 2e-3 are for kernels that could be fitted exactly, which fifty
            # iterations only approach. Of 1600 kernels of seeds 1 and 5 sixteen comparisons were above `less` at all,
            # by 6e-4 at most. Fits with fewer terms would have to be made to be taken instead: twice the work and more.
            expect(true <= 1.01 * less + 2e-3, f"error {true!r}, with {fewer} terms {less!r}")
        return
    if method != "tucker2":
        best = tail(matrix_of(method, kernel), ranks[0])
        return expect(true <= best + storage, f"error {true!r}, the best {best!r}, rounding {storage:.1e}")
    first, second = tail(kernel.reshape(kernel.shape[0], -1), ranks[0]), tail(matrix_of("channel-mirrored", kernel), ranks[1])
    # A Gram matrix in float64 squares what it is made of: the root of epsilon is all that it tells from zero.
    squared = np.sqrt(np.finfo(float).eps * sum(ranks))
    bound = float(np.hypot(first, second))
    expect(true <= bound + storage + squared, f"error {true!r} above the HOSVD bound {bound!r}")
    if algorithm in (None, "hooi"):
        end = worst_hooi(kernel, ranks)
        # HOOI stops where an update promises 1e-4 of the error at most.
        expect(true <= end * (1 + 1e-3) + storage + squared, f"error {true!r}, NumPy's HOOI {end!r}, rounding {storage:.1e}")


def work(job):
    seed, number, lowrank, failures = job
    kernel, method, ranks, algorithm, family = case(seed, number)
    label = (f"{number}: {method}:{','.join(map(str, ranks))} {algorithm or ''} of "
             f"{'x'.join(map(str, kernel.shape))} {kernel.dtype} {family}, largest {np.abs(kernel).max():.2e}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            check(lowrank, folder, kernel, method, ranks, algorithm)
        except (Failure, subprocess.TimeoutExpired) as failure:
            if failures:
                os.makedirs(failures, exist_ok=True)
                shutil.copy(os.path.join(folder, "kernel.npy"), os.path.join(failures, f"{seed}-{number}.npy"))
            return f"{method} {family}", f"FAIL  {label}: {failure}"
    return None, label


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--lowrank", default=os.path.join(ROOT, ".build", "release", "lowrank"))
    options.add_argument("--failures", help="a folder for the kernels of failing cases")
    options.add_argument("--case", type=int, help="one case alone")
    arguments = options.parse_args()
    numbers = range(arguments.count) if arguments.case is None else [arguments.case]
    jobs = [(arguments.seed, number, arguments.lowrank, arguments.failures) for number in numbers]
    start, failed = time.monotonic(), collections.Counter()
    with multiprocessing.Pool(min(len(jobs), os.cpu_count() or 1)) as pool:
        for kind, line in pool.imap_unordered(work, jobs, chunksize=1):
            if kind or arguments.case is not None:
                print(line, flush=True)
            failed.update([kind] if kind else [])
    total = sum(failed.values())
    print(f"{len(jobs)} kernels of seed {arguments.seed} in {time.monotonic() - start:.0f} s: {total} failed"
          + "".join(f"; {kind} {count}" for kind, count in failed.most_common()))
    sys.exit(1 if total else 0)


if __name__ == "__main__":
    main()
