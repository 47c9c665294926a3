#!/usr/bin/env python3
"""Run generated graphs in `lowrank.Network`, in ONNX Runtime and in NumPy, and compare every output.

    python3 scripts/fuzz/graphs.py [--count 2000] [--seed 1] [--library PATH] [--failures FOLDER] [--case N] [--jobs N]

Small graphs of the operators of operators.py. An output must have the shape of ONNX Runtime's and of what NumPy computes
in float64 (oracle.py), and elements within 1e-4 of the largest, integers the same. A case is `other` where it is so
beside one of them alone; where it is so beside none, a case is `unsteady` if changes in the last place of what nodes read
move the outputs a tenth as far, and else has failed. Graphs that neither of them runs are left out; more than one in twenty
that do not pass is a failure of this script. A case depends on the seed and its number alone; of failing ones the model and
its inputs are kept. Needs numpy, onnx and onnxruntime. Exits with 1 where a case fails.
"""
import os

import workers
import numpy as np

TOLERANCE = 1e-4


def graph(seed, number):
    """(model, inputs) of a case; the model is None where no operator could be placed."""
    import operators
    random = np.random.default_rng([seed, number])
    g = operators.Maker(random)
    g.start()
    wanted = int(random.integers(2, 14))
    for _ in range(10 * wanted):
        if len(g.nodes) >= wanted:
            break
        g.attempt(operators.OPERATORS[int(random.integers(len(operators.OPERATORS)))])
    inputs = {name: random.standard_normal(shape).astype(np.float32) for name, shape in g.inputs.items()}
    return g.model(f"case{number}") if g.nodes else None, inputs


def attempt(run):
    """What a run gives, or what it says against the graph."""
    try:
        return run(), None
    except Exception as error:
        return None, " ".join(str(error).split())[:400] or type(error).__name__


def run_in_onnx_runtime(model, inputs):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Else products behind a DequantizeLinear are of integers, both sides rounded.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def run_here(model, inputs):
    import lowrank
    return list(lowrank.Network(model.SerializeToString()).run(inputs).values())


def check(seed, number):
    import oracle
    model, inputs = graph(seed, number)
    if model is None:
        return "left out", "no node"
    given, refusal = attempt(lambda: run_here(model, inputs))
    theirs, their_refusal = attempt(lambda: run_in_onnx_runtime(model, inputs))
    exact, no_oracle = attempt(lambda: oracle.answers(model, inputs))
    if theirs is None and exact is None:
        return "left out", f"{their_refusal}; NumPy: {no_oracle}"
    if given is None:
        return "failed", refusal
    distance = oracle.largest_difference
    beside = np.inf if theirs is None else distance(given, theirs)
    if exact is None:
        return ("passed", "") if beside <= TOLERANCE else ("failed", f"off by {beside:.1e}; NumPy: {no_oracle}")
    off = distance(given, exact)
    if max(beside, off) <= TOLERANCE:
        return "passed", ""
    told = f"off by {beside:.1e} from ONNX Runtime ({their_refusal}), {off:.1e} from NumPy"
    if min(beside, off) <= TOLERANCE:
        return "other", told
    moved = oracle.swing(model, inputs, np.random.default_rng([seed, number]))
    return ("unsteady" if off <= 10 * moved else "failed"), f"{told}; its swing is {moved:.1e}"


def write(model, inputs, folder):
    np.savez(os.path.join(folder, "inputs.npz"), **inputs)
    with open(os.path.join(folder, "model.onnx"), "wb") as file:
        file.write(model.SerializeToString())


def keep(seed, number, folder):
    write(*graph(seed, number), folder)


if __name__ == "__main__":
    workers.main(__doc__.splitlines()[0], check, keep, "graphs")
