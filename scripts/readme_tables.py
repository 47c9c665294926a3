#!/usr/bin/env python3
"""Prints the tables of the README's section "Measured" from the logs of measure.sh.

    python3 scripts/readme_tables.py RESULTS
"""
import json, os, re, sys

FORMS = {"dense": "dense", "tucker2:0.25": "Tucker-2 at 1/4", "tucker2:0.5": "at 1/2", "cp": "CP-3"}


def milliseconds(text):
    return f"{float(text):.2f}" if float(text) >= 1 else f"{float(text):.3f}"


def convolution(path):
    layers, means = {}, []
    for line in open(path):
        row = re.match(r"(\S+)\s+(\S+)\s+lowrank\s+([\d.]+) ms\s+fastest peer (\S+)\s+([\d.]+) ms", line)
        if row:
            layers.setdefault(row[1], []).append(f"{milliseconds(row[3])} / {milliseconds(row[5])} {row[4]}")
        mean = re.match(r"geometric mean (\S+)\s+([\d.]+)\s+worst ([\d.]+)", line)
        if mean:
            means.append(f"{FORMS[mean[1]]} {float(mean[2]):.2f}, worst {mean[3]}")
    print("| layer | dense | Tucker-2 at 1/4 | at 1/2 | CP-3 |\n|---|---|---|---|---|")
    for name, cells in layers.items():
        print(f"| {name} | {' | '.join(cells)} |")
    print(f"\nGeometric means of ours / fastest other: {'; '.join(means)}.\n")


def decomposition(path):
    kernels = {}
    for line in open(path):
        if line.startswith("{"):
            d = json.loads(line)
            kernels.setdefault((d["kernel"], tuple(d["ranks"])), {})[d["method"]] = d
    print("| kernel, ranks | ms | NumPy ms | TensorLy ms | error | TensorLy's error |\n|---|---|---|---|---|---|")
    for (kernel, ranks), methods in kernels.items():
        form = "tucker2" if "lowrank-tucker2" in methods else "cp3"
        ours = methods.get(f"lowrank-{form}")
        theirs = methods.get("tensorly-partial_tucker" if form == "tucker2" else "tensorly-parafac3-50it")
        numpy = methods.get("numpy-sthosvd-gram64")
        if ours and theirs:
            print(f"| {kernel} {form}:{','.join(map(str, ranks))} | {ours['s'] * 1e3:.1f} | "
                  f"{format(numpy['s'] * 1e3, '.1f') if numpy else ''} | {theirs['s'] * 1e3:.1f} | "
                  f"{ours['rel_error']:.5f} | {theirs['rel_error']:.5f} |")


if len(sys.argv) != 2:
    sys.exit(__doc__)
for name, table in (("conv-1.txt", convolution), ("conv-2.txt", convolution), ("decompose.txt", decomposition)):
    file = os.path.join(sys.argv[1], name)
    if os.path.exists(file):
        print(f"{name}\n")
        table(file)
