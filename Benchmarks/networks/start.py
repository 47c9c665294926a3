#!/usr/bin/env python3
"""How long a network takes until its first answer, besides the run itself, and the command until it does anything.

    python3 start.py LOWRANK MODEL.onnx SHAPE      # SHAPE of the input: 1,3,320,320; needs numpy

Least of several processes each, one thread.
"""
import argparse
import json
import os
import subprocess
import tempfile
import time

import numpy


def least(repetitions, command):
    """The least milliseconds of a process."""
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(1e3 * (time.perf_counter() - start))
    return min(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("model")
    parser.add_argument("shape")
    arguments = parser.parse_args()
    bench = [arguments.lowrank, "bench", "model", arguments.model, "--input-shape", arguments.shape, "--json"]
    run = json.loads(subprocess.run(bench, check=True, capture_output=True, text=True).stdout)["minMs"]
    with tempfile.TemporaryDirectory() as folder:
        image = os.path.join(folder, "x.npy")
        shape = [int(extent) for extent in arguments.shape.split(",")]
        numpy.save(image, numpy.random.default_rng(0).random(shape, dtype=numpy.float32))
        first = least(6, [arguments.lowrank, "run", arguments.model, "-i", image, "-o", os.path.join(folder, "out"), "--threads", "1"])
    start = least(30, [arguments.lowrank, "version"])
    print(f"first answer after {first:.0f} ms, of which the run takes {run:.0f}: {first - run:.0f} ms to load; the command starts in {start:.1f} ms")


if __name__ == "__main__":
    main()
