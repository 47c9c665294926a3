#!/usr/bin/env python3
"""Times fully connected layers whose weights a network keeps in 32, 16 and 8 bits, in turn and in one run.

    python3 scripts/measure/narrow_weights.py --lowrank PATH/TO/lowrank [--rounds 5] [--threads 1,2]

Each layer is a network of its own: a Gemm with float32 weights, with float16 behind a Cast, and with int8 behind a
DequantizeLinear, as `lowrank compress --weights` writes them. Prints the least milliseconds of one row, the rate at which bytes of
weights come in, and how many times as fast the narrow ones are. Layers of less than the last cache come from that in such a
loop, larger ones from memory. Needs onnx; wants an otherwise idle machine.
"""
import argparse, json, os, subprocess, tempfile

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

LAYERS = [(1024, 1024), (2048, 1024), (2048, 2048), (4096, 2048), (4096, 4096), (9216, 4096)]


def model(inputs, outputs, bits):
    """A network of one layer, with weights [outputs, inputs] that no shorter format holds."""
    random = np.random.default_rng(inputs)
    weights = random.standard_normal((outputs, inputs), np.float32)
    nodes, constants = [], [numpy_helper.from_array(np.zeros(outputs, np.float32), "bias")]
    if bits == 32: constants.append(numpy_helper.from_array(weights, "weights"))
    if bits == 16:
        constants.append(numpy_helper.from_array(weights.astype(np.float16), "halves"))
        nodes.append(helper.make_node("Cast", ["halves"], ["weights"], to=TensorProto.FLOAT))
    if bits == 8:
        # Each output's largest number is 127, as `lowrank compress --weights int8` scales them.
        largest = np.abs(weights).max(1)
        whole, scale = np.rint(127 / largest[:, None] * weights).astype(np.int8), largest / np.float32(127)
        constants += [numpy_helper.from_array(whole, "whole"), numpy_helper.from_array(scale, "scale")]
        nodes.append(helper.make_node("DequantizeLinear", ["whole", "scale"], ["weights"], axis=0))
    nodes.append(helper.make_node("Gemm", ["x", "weights", "bias"], ["y"], transB=1))
    graph = helper.make_graph(
        nodes, "layer", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowrank", required=True, help="the command, built for release")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", default="1,2")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for inputs, outputs in LAYERS:
            paths = {bits: os.path.join(folder, f"{bits}.onnx") for bits in (32, 16, 8)}
            for bits, path in paths.items():
                checker.check_model(made := model(inputs, outputs, bits))
                save(made, path)
            for threads in options.threads.split(","):
                least = dict.fromkeys(paths, float("inf"))
                for _ in range(options.rounds):
                    for bits, path in paths.items():
                        done = subprocess.run([options.lowrank, "bench", "model", path, "--threads", threads, "--json"],
                                              check=True, capture_output=True, text=True)
                        least[bits] = min(least[bits], json.loads(done.stdout)["minMs"])
                cells = [f"{bits:2} bits {ms:7.3f} ms {inputs * outputs * bits / 8e6 / ms:5.1f} GB/s" for bits, ms in least.items()]
                print(f"{inputs:5} x {outputs} ({inputs * outputs * 4 / 2**20:4.0f} MiB), {threads} threads: {', '.join(cells)}; "
                      f"x {least[32] / least[16]:.2f}, x {least[32] / least[8]:.2f}", flush=True)


if __name__ == "__main__":
    main()
