#!/usr/bin/env python3
"""What a change costs: two builds of the command on the same layers, forms and kernels, in turn in one run.

    python before.py BEFORE AFTER [--threads 1] [--rounds 5] [--only PART_OF_A_NAME]      # paths of two commands; needs numpy

The least of all rounds counts; a line for each case whose ratio is over 1.03, then the geometric means. Exits with 1 where
there is such a case. Run it on an idle machine, and again with --only for what it names: a disturbance of one build's runs
shows as a ratio too.
"""
import argparse
import os
import sys
import tempfile

import numpy as np

from compare import repetitions, run_lowrank
from decompose import KERNELS, kernel
from decompose import run_lowrank as run_decomposition
from drawing import geometric_mean
from layers import FORMS, LAYERS

BOUND = 1.03


def convolutions(threads):
    """(name, the run of a command for its least milliseconds)."""
    for name, layer in LAYERS.items():
        for form in FORMS:
            count = repetitions(layer, form, 5)
            yield f"{name} {form}", lambda binary, layer=layer, form=form, count=count: run_lowrank(
                binary, layer, form, threads, count)["minMs"]


def decompositions(folder):
    """The same for Tucker-2 at a half of the channels and CP-3 at as many terms."""
    for name in KERNELS.split(","):
        extents = [int(extent) for extent in name.split("x")]
        path = os.path.join(folder, f"{name}.npy")
        np.save(path, kernel(extents))
        outputs, inputs = extents[0] // 2, extents[1] // 2
        for method, ranks in (("tucker2", [outputs, inputs]), ("cp3", [outputs])):
            yield f"{name} {method}", lambda binary, path=path, method=method, ranks=ranks: 1e3 * run_decomposition(
                binary, path, method, ranks)["seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="the cases with this in their names")
    arguments = parser.parse_args()
    slower = 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, cases in (("layers", convolutions(arguments.threads)), ("decompositions", decompositions(folder))):
            ratios = []
            for name, run in cases:
                if arguments.only not in name:
                    continue
                times = [[run(binary) for binary in (arguments.before, arguments.after)] for _ in range(arguments.rounds)]
                before, after = (min(column) for column in zip(*times))
                ratios.append(after / before)
                if ratios[-1] > BOUND:
                    print(f"{name}: {before:.3f} ms before, {after:.3f} after, {ratios[-1]:.3f}", flush=True)
            slower += sum(ratio > BOUND for ratio in ratios)
            if ratios:
                print(f"{len(ratios)} {kind}: geometric mean {geometric_mean(ratios):.3f}, most {max(ratios):.3f}", flush=True)
    sys.exit(1 if slower else 0)


if __name__ == "__main__":
    main()
