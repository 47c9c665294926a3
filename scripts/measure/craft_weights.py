#!/usr/bin/env python3
"""What weights in fewer bits make of CRAFT at 0.35 of its multiplies: bytes, and the pixel scores beside those of float32 factors.

    python craft_weights.py LOWRANK CACHE [--threads N]

CACHE is the folder of the public set (see checks/real_models.sh). AUC: how well a pixel's text score tells the pixels apart that the
original network scores over 0.4, its own threshold, over the photographs and the text that calibration.py tests on; 1 is the
original's. Runs in ONNX Runtime. Needs numpy, onnx, onnxruntime and pillow.
"""
import argparse
import os
import subprocess
import tempfile

import numpy as np

from calibration import Craft, answers, line, relative_error

THRESHOLD = 0.4


def area_under_curve(scores, wanted):
    """Mann-Whitney: the part of the pairs of a wanted pixel and another in which the wanted one has the larger score."""
    values, counts = np.unique(scores, return_counts=True)
    # Equal scores share the mean of their ranks.
    means = np.cumsum(counts) - (counts - 1) / 2
    ranks = means[np.searchsorted(values, scores[wanted])]
    positives, negatives = wanted.sum(), (~wanted).sum()
    return float((ranks.sum() - positives * (positives + 1) / 2) / (positives * negatives))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("cache")
    parser.add_argument("--threads", default=1, type=int)
    options = parser.parse_args()
    craft = Craft(options.cache)
    model, tested = os.path.join(options.cache, craft.model), craft.tested()
    right = answers(model, tested, 4)
    wanted = (right[..., 0] > THRESHOLD).ravel()
    line("weights", "bytes", "of the file", "AUC", "error")
    line(*["---"] * 5)
    with tempfile.TemporaryDirectory() as folder:
        for weights in ("original", "float16", "auto", "int8"):
            target = os.path.join(folder, "out.onnx")
            subprocess.run([options.lowrank, "compress", model, "-o", target, "--macs", "0.35", "--weights", weights, "--threads",
                            str(options.threads), "--input-shape", craft.shape], check=True, capture_output=True)
            made, size = answers(target, tested, 4), os.path.getsize(target)
            line(weights, size, f"{size / os.path.getsize(model):.3f}", f"{area_under_curve(made[..., 0].ravel(), wanted):.4f}",
                 f"{relative_error(right, made):.4f}")


if __name__ == "__main__":
    main()
