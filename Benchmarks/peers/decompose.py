#!/usr/bin/env python3
"""Times decompositions of the same kernels in this engine, in NumPy and in TensorLy, in turn and in one run, one thread each.

    python decompose.py --lowrank PATH/TO/lowrank --out FOLDER [--kernels 128x128x3x3,...] [--rounds 3]

Writes FOLDER/decompositions.json and, from it, decompositions.md (`--draw` does that alone). The kernels have decaying
spectra in both channel modes and noise at 5 %. NumPy is the sequentially truncated HOSVD by Gram matrices in float64, what
somebody who knows the matter writes; TensorLy is `partial_tucker` and, for CP, `parafac` with 50 iterations. The minimum
counts, and every error is computed from the factors in float64.
"""
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import datetime
import importlib.metadata
import json
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import scipy.linalg
import tensorly
from tensorly.decomposition import parafac, partial_tucker

KERNELS = "64x64x3x3,128x128x3x3,256x256x3x3,512x512x3x3,256x96x5x5"


def kernel(extents):
    random = np.random.default_rng(7)

    def basis(n):
        return np.linalg.qr(random.standard_normal((n, n)))[0]

    outputs, inputs = extents[:2]
    core = random.standard_normal(extents)
    core *= (0.97 ** (np.arange(outputs) * 128 / outputs))[:, None, None, None]
    core *= (0.97 ** (np.arange(inputs) * 128 / inputs))[None, :, None, None]
    result = np.einsum("ta,sb,abij->tsij", basis(outputs), basis(inputs), core, optimize=True)
    result /= np.linalg.norm(result)
    result += 0.05 * random.standard_normal(result.shape) / np.sqrt(result.size)
    return np.ascontiguousarray(result, dtype=np.float32)


def relative_error(kernel, reconstruction):
    kernel = kernel.astype(np.float64)
    return float(np.linalg.norm(kernel - reconstruction) / np.linalg.norm(kernel))


def tucker_error(kernel, factors):
    core, outputs, inputs = (factor.astype(np.float64) for factor in factors)
    return relative_error(kernel, np.einsum("abij,ta,sb->tsij", core, outputs, inputs, optimize=True))


def numpy_tucker2(kernel, rank1, rank2):
    outputs, inputs, *sides = kernel.shape
    first = kernel.reshape(outputs, -1).astype(np.float64)
    u = scipy.linalg.eigh(first @ first.T, subset_by_index=[outputs - rank1, outputs - 1])[1][:, ::-1]
    rest = (u.T @ first).reshape(rank1, inputs, -1).transpose(1, 0, 2).reshape(inputs, -1)
    v = scipy.linalg.eigh(rest @ rest.T, subset_by_index=[inputs - rank2, inputs - 1])[1][:, ::-1]
    core = (v.T @ rest).reshape(rank2, rank1, *sides).transpose(1, 0, 2, 3)
    return core.astype(np.float32), u.astype(np.float32), v.astype(np.float32)


def tensorly_tucker2(kernel, rank1, rank2):
    (core, (u, v)), _ = partial_tucker(
        tensorly.tensor(kernel), rank=[rank1, rank2], modes=[0, 1], init="svd", n_iter_max=100, tol=1e-4)
    return core, u, v


def tensorly_cp3(kernel, rank):
    tensor = tensorly.tensor(kernel.reshape(*kernel.shape[:2], -1))
    start = "svd" if rank <= min(kernel.shape[:2]) else "random"
    return parafac(tensor, rank=rank, init=start, n_iter_max=50, tol=1e-6, random_state=0)


def cp_error(kernel, model):
    weights, (u, v, w) = model
    terms = np.einsum("r,tr,sr,dr->tsd", *(x.astype(np.float64) for x in (weights, u, v, w)), optimize=True)
    return relative_error(kernel, terms.reshape(kernel.shape))


def seconds(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def run_lowrank(binary, path, method, ranks):
    command = [binary, "bench", "decompose", path, "--method", method, "--ranks", ",".join(map(str, ranks)), "--threads", "1",
               "--reps", "12", "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def measure(binary, path, kernel, method, ranks, rounds):
    """One line: the least seconds and the error of each."""
    line = {"kernel": "x".join(map(str, kernel.shape)), "form": f"{method}:{','.join(map(str, ranks))}"}
    if method == "tucker2":
        calls = {"numpy": numpy_tucker2, "tensorly": tensorly_tucker2}
        error = tucker_error
    else:
        calls, error, rounds = {"tensorly": tensorly_cp3}, cp_error, 1
    for _ in range(rounds):
        ours = run_lowrank(binary, path, method, ranks)
        line.setdefault("lowrank", []).append(ours["seconds"])
        line["error lowrank"] = ours["relativeError"]
        for name, call in calls.items():
            taken, result = seconds(lambda: call(kernel, *ranks))
            line.setdefault(name, []).append(taken)
            line[f"error {name}"] = error(kernel, result)
    line["lowrank"].append(run_lowrank(binary, path, method, ranks)["seconds"])
    return {key: min(value) if isinstance(value, list) else value for key, value in line.items()}


def table(results):
    rows = [results["machine"], "",
            "| kernel, form | ms | NumPy ms | TensorLy ms | NumPy's time | TensorLy's | error | TensorLy's error |",
            "|---|---|---|---|---|---|---|---|"]
    for line in results["lines"]:
        ours, theirs, numpy = line["lowrank"], line["tensorly"], line.get("numpy")
        rows.append(
            f"| {line['kernel']} {line['form']} | {ours * 1e3:.1f} | {f'{numpy * 1e3:.1f}' if numpy else ''} | "
            f"{theirs * 1e3:.1f} | {f'x {ours / numpy:.2f}' if numpy else ''} | 1/{theirs / ours:.1f} | "
            f"{line['error lowrank']:.6f} | {line['error tensorly']:.6f} |")
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowrank", help="the command, built for release")
    parser.add_argument("--out", required=True, help="the folder of the results")
    parser.add_argument("--kernels", default=KERNELS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draw", action="store_true", help="only write decompositions.md again")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", module="tensorly")
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, "decompositions.json")
    if not options.draw:
        if not options.lowrank:
            parser.error("--lowrank names the command to time")
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "scipy", "tensorly"))
        results = {"machine": f"{datetime.date.today().isoformat()}, one thread, {versions}.", "lines": []}
        with tempfile.TemporaryDirectory() as folder:
            for name in options.kernels.split(","):
                array, file = kernel(tuple(map(int, name.split("x")))), os.path.join(folder, f"{name}.npy")
                np.save(file, array)
                outputs, inputs = array.shape[:2]
                forms = [("tucker2", [-(-outputs // part), -(-inputs // part)]) for part in (4, 2)]
                for method, ranks in [*forms, ("cp3", [max(outputs, inputs) // 2])]:
                    line = measure(options.lowrank, file, array, method, ranks, options.rounds)
                    results["lines"].append(line)
                    print(json.dumps(line), file=sys.stderr)
        with open(path, "w") as file:
            json.dump(results, file, indent=1)
    with open(path) as file:
        text = table(json.load(file))
    with open(os.path.join(options.out, "decompositions.md"), "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
