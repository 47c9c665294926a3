#!/usr/bin/env python3
"""The most memory that a run of a network takes beside its weights, here and in ONNX Runtime, each in a process of its own.

    python3 memory.py LOWRANK MODEL.onnx SHAPE [--without PASS ...]      # SHAPE of the input: 1,3,640,640

What a process has before the network is loaded is counted of neither: Python and the libraries of ONNX Runtime's, the
program and its libraries of ours, as `lowrank version` has them. Each --without adds a row that shows what a pass is worth.
"""
import argparse
import json
import resource
import subprocess
import sys

# The peak of resident memory, less what there was before the session, in bytes.
ONNX_RUNTIME = """
import resource, sys
import numpy, onnxruntime
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
shape = [int(extent) for extent in sys.argv[2].split(",")]
image = numpy.random.default_rng(0).random(shape, dtype=numpy.float32)
for _ in range(3): session.run(None, {session.get_inputs()[0].name: image})
print(peak() - before)
"""


def ours(lowrank, model, shape, without):
    command = [lowrank, "bench", "model", model, "--input-shape", shape, "--reps", "2", "--json"]
    for name in without:
        command += ["--without", name]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def program(lowrank):
    """The peak of the command with nothing to do: to be asked for before any other process has run."""
    subprocess.run([lowrank, "version"], check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def megabytes(count):
    return f"{count / 1e6:.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("model")
    parser.add_argument("shape")
    parser.add_argument("--without", action="append", default=[])
    arguments = parser.parse_args()
    before = program(arguments.lowrank)
    whole = ours(arguments.lowrank, arguments.model, arguments.shape, [])
    weights = whole["weightBytes"]
    command = [sys.executable, "-c", ONNX_RUNTIME, arguments.model, arguments.shape]
    other = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) - weights
    print(f"{megabytes(weights)} MB of weights; MB beside them and beside the program ({megabytes(before)} MB of ours):\n\n| | peak | of it values | of ONNX Runtime's |\n|---|---|---|---|")
    rows = [("here", whole)]
    for name in arguments.without:
        rows.append((f"here without {name}", ours(arguments.lowrank, arguments.model, arguments.shape, [name])))
    for name, report in rows:
        peak = report["peakBytes"] - weights - before
        print(f"| {name} | {megabytes(peak)} | {megabytes(report['arenaBytes'])} | {peak / other:.2f} |")
    print(f"| ONNX Runtime | {megabytes(other)} | | |")


if __name__ == "__main__":
    main()
