#!/usr/bin/env python3
"""Times layers of stride 2, factored, and depthwise + pointwise blocks (MobileNet), in this engine and in others.

    python blocks.py --lowrank PATH/TO/lowrank --out FOLDER [--threads 1] [--only PART_OF_A_NAME] [--reps 200]

Writes FOLDER/blocks.md. As compare.py: interleaved in one run, this engine before, between and after the others, the minimum
of all repetitions. A block runs here as a network of two nodes, which `lowrank bench model` makes one chain of bands.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

from compare import description, present_engines, run_lowrank, shortest
from drawing import geometric_mean, heading, milliseconds
from engines import onnx_model
from layers import FORMS, stages, weights

# name: input channels, output channels, kernel, height, width, stride, padding
STRIDED = {
    "down.64-128@112s2": (64, 128, 3, 112, 112, 2, 1),
    "down.64-128@56s2": (64, 128, 3, 56, 56, 2, 1),
    "down.128-256@56s2": (128, 256, 3, 56, 56, 2, 1),
    "down.128-256@28s2": (128, 256, 3, 28, 28, 2, 1),
    "down.256-512@28s2": (256, 512, 3, 28, 28, 2, 1),
    "down.256-512@14s2": (256, 512, 3, 14, 14, 2, 1),
}
# MobileNet (Howard et al. 1704.04861, table 1).
BLOCKS = {
    "mobile.32-64@112": (32, 64, 3, 112, 112, 1, 1),
    "mobile.64-128@112s2": (64, 128, 3, 112, 112, 2, 1),
    "mobile.128-128@56": (128, 128, 3, 56, 56, 1, 1),
    "mobile.128-256@56s2": (128, 256, 3, 56, 56, 2, 1),
    "mobile.256-256@28": (256, 256, 3, 28, 28, 1, 1),
    "mobile.256-512@28s2": (256, 512, 3, 28, 28, 2, 1),
    "mobile.512-512@14": (512, 512, 3, 14, 14, 1, 1),
    "mobile.512-1024@14s2": (512, 1024, 3, 14, 14, 2, 1),
    "mobile.1024-1024@7": (1024, 1024, 3, 7, 7, 1, 1),
}


def separable(layer):
    """Depthwise, then pointwise: [(inputs, outputs, kernel, stride, padding, groups)]."""
    inputs, outputs, kernel, _, _, stride, padding = layer
    return [(inputs, inputs, kernel, stride, padding, inputs), (inputs, outputs, 1, 1, 0, 1)]


def run_network(binary, path, threads, repetitions):
    command = [binary, "bench", "model", path, "--threads", str(threads), "--reps", str(repetitions), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout)["minMs"]


def cases(part):
    """(name, form, layer, stages, the call that runs it here for a command, threads and repetitions)."""
    for name, layer in STRIDED.items():
        for form in ("quarter", "half"):
            if part in name:
                yield (name, FORMS[form], layer, stages(layer, form), lambda binary, threads, count, layer=layer, form=form:
                       run_lowrank(binary, layer, form, threads, count)["minMs"])
    for name, layer in BLOCKS.items():
        if part in name:
            yield name, "depthwise + pointwise", layer, separable(layer), None


def measure(options, engines, layer, layer_stages, ours):
    """This engine's minimum, and every other's, in ms."""
    random = np.random.default_rng(1)
    x = random.standard_normal((1, layer[0], *layer[3:5])).astype(np.float32)
    layer_weights = weights(layer_stages, random)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "block.onnx")
        with open(path, "wb") as file:
            file.write(onnx_model(layer_stages, layer_weights, *x.shape[1:]))

        def here():
            if ours:
                return ours(options.lowrank, options.threads, options.reps)
            return run_network(options.lowrank, path, options.threads, options.reps)

        best, others = here(), {}
        for turn, (engine, prepare) in enumerate(engines.items()):
            others[engine] = 1e3 * shortest(prepare(layer_stages, layer_weights, x, options.threads), options.reps, 0.7)
            if turn == len(engines) // 2 - 1:
                best = min(best, here())
        return min(best, here()), others


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowrank", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="", help="the cases with this in their names")
    parser.add_argument("--reps", type=int, default=200)
    options = parser.parse_args()
    engines = present_engines()
    ratios, lines = {}, []
    for name, form, layer, layer_stages, ours in cases(options.only):
        best, others = measure(options, engines, layer, layer_stages, ours)
        fastest = min(others, key=others.get)
        ratios.setdefault(form, {})[name] = best / others[fastest]
        lines.append(f"| {name} | {form} | {milliseconds(best)} | {milliseconds(others[fastest])} {fastest} | "
                     f"{best / others[fastest]:.2f} |")
        print(lines[-1], file=sys.stderr)
    text = [heading(description(options.lowrank, engines)), "",
            f"{options.threads} thread{'s' if options.threads > 1 else ''}, minimum ms:", "",
            "| layer | form | this engine | fastest other | ratio |", "|---|---|---|---|---|", *lines, ""]
    for form, found in ratios.items():
        worst = max(found, key=found.get)
        text.append(f"- {form}: geometric mean {geometric_mean(found.values()):.2f}, worst {found[worst]:.2f} ({worst})")
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "blocks.md"), "w") as file:
        file.write("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
