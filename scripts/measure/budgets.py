#!/usr/bin/env python3
"""Check what a budget for a whole model is worth, on the models named.

    python budgets.py LOWRANK MODEL.onnx[:INPUT=1,3,224,224] ...

For 0.3 to 0.8 of the multiplies: the part reached, the sum of the squared relative errors, and how far above the best it can
be at most. Then, for several energies kept by every layer alike, that sum against the budget's at the same cost. Ends with
status 1 where a budget is missed by more than 1 %, the gap passes 2 %, or equal energies do better.
"""
import json
import os
import subprocess
import sys
import tempfile

FRACTIONS = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
ENERGIES = [0.7, 0.8, 0.9, 0.95]


def run(lowrank, model, shape, *options):
    command = [lowrank, "compress", model, *options, "--json"] + (["--input-shape", shape] if shape else [])
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def check(lowrank, model, shape):
    """Prints the lines of a model; returns what is wrong."""
    wrong, equal = [], []
    with tempfile.TemporaryDirectory() as folder:
        for energy in ENERGIES:
            report = run(lowrank, model, shape, "-o", os.path.join(folder, "out.onnx"), "--energy", str(energy))
            before, after = report["model"]["macsBefore"], report["model"]["macsAfter"]
            error = sum(layer["relativeError"] ** 2 for layer in report["layers"])
            if after < before:
                equal.append((energy, after / before, error))
    # A little above the cost of the equal energies, so that rounding takes no multiply from the budget.
    fractions = FRACTIONS + [part * (1 + 1e-9) for _, part, _ in equal]
    points = run(lowrank, model, shape, "--sweep", ",".join(f"{fraction:.12f}" for fraction in fractions))["points"]
    for point in points[: len(FRACTIONS)]:
        if "achieved" not in point:
            print(f"  {point['fraction']}: out of reach")
            continue
        print(f"  {point['fraction']}: {point['achieved']:.4f} reached, sum {point['squaredError']:.4f}, "
              f"at most {point['gap']:.2%} above the best")
        if not 0.99 * point["fraction"] <= point["achieved"] <= point["fraction"]:
            wrong.append(f"{point['achieved']:.4f} reached of {point['fraction']}")
        if point["gap"] > 0.02:
            wrong.append(f"a gap of {point['gap']:.2%} at {point['fraction']}")
    for (energy, part, error), point in zip(equal, points[len(FRACTIONS) :]):
        print(f"  energy {energy} for every layer: {part:.4f} of the multiplies, sum {error:.4f}; "
              f"as a budget {point['squaredError']:.4f}")
        if point["squaredError"] > error:
            wrong.append(f"an energy of {energy} for every layer does better")
    return wrong


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    failed = False
    for argument in sys.argv[2:]:
        model, _, shape = argument.partition(":")
        print(model)
        for fault in check(sys.argv[1], model, shape):
            failed = True
            print(f"  WRONG: {fault}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
