#!/usr/bin/env python3
"""Compress generated graphs with `lowrank.compress`, run what comes out, and hold both against NumPy and ONNX Runtime.

    python3 scripts/fuzz/compress.py [--count 2000] [--seed 1] [--library PATH] [--failures FOLDER] [--case N] [--jobs N]

Graphs of layers.py in float32 and in half precision, through all budgets, methods and ways to store weights. Demanded is:

  - the original: `lowrank.Network` and ONNX Runtime give what NumPy computes in float64 (oracle.py);
  - the result passes onnx.checker with strict shape inference, and has the original's inputs, outputs, nodes and constants but
    for what was factored, folded or stored anew; at `error=0` it is the original byte by byte;
  - the report is true: the stages of a layer compose, in float64, to a kernel whose distance from the original's is the error
    reported, no larger than its bound and than an error that was asked for; weights, multiplies and bytes are those of the
    files;
  - `lowrank.Network` and ONNX Runtime give of the result what NumPy computes in float64 of the original with those kernels in
    the layers' places. Where they do not, the case is `unsteady` if changes in the last place of what nodes read move the
    outputs a tenth as far, `other` if ONNX Runtime is off in the original already, and else has failed.

A budget that cannot be reached becomes one by error. A case depends on the seed and its number alone; of failing ones the
model, its inputs and what was asked for are kept. Needs numpy, onnx and onnxruntime. Exits with 1 where a case fails.
"""
import json, os, sys, tempfile

import graphs
import workers
import numpy as np

sys.path.append(os.path.join(workers.ROOT, "scripts", "checks"))  # verify_models

# Of the largest element of an output, by the type of the model's floats: here and in ONNX Runtime, which rounds every value
# of a half-precision graph to half precision.
TOLERANCES = {"float32": (1e-4, 1e-4), "float16": (2e-3, 5e-2)}
# How far the last place of these types is from that of float32: values between nodes may be rounded to them.
LAST_PLACE = {"float32": 1, "float16": 1 << 13}
# What a reported error may be off: it is of kernels in float32, as the file has them.
ROUNDING = 1e-6


class Failure(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Failure(message)


# Cases

def case(seed, number):
    """(model, inputs, the arguments of `compress`); the model is None where no layer could be placed."""
    import layers, oracle
    from onnx import TensorProto
    model, inputs = layers.graph(seed, number)
    random = np.random.default_rng([seed, number, 1])
    # DequantizeLinear gives no half precision in this opset.
    if model is not None and random.random() < .1 and all(node.op_type != "DequantizeLinear" for node in model.graph.node):
        model = oracle.retyped(model, TensorProto.FLOAT16)
        inputs = {name: array.astype(np.float16) for name, array in inputs.items()}
    return model, inputs, arguments(model, random)


def arguments(model, random):
    kinds = {"error": [0, .01, .1, .3, .6, .9], "energy": [.5, .8, .9, .99], "ranks_ratio": [.1, .25, .5, .75],
             "macs": [.3, .5, .7, .9], "params": [.3, .5, .7, .9]}
    asked = {"threads": 1, "rank_multiple": int(random.choice([0, 1, 2, 3], p=[.1, .6, .15, .15])),
             "method": str(random.choice(["auto", "tucker2", "svd", "spatial", "channel"], p=[.6, .1, .1, .1, .1])),
             "weights": str(random.choice(["original", "float16", "int8", "auto"], p=[.6, .15, .15, .1])),
             "fold_batch_norm": bool(random.random() < .85)}
    if random.random() < .95:
        kind = str(random.choice(list(kinds)))
        asked[kind] = float(random.choice(kinds[kind]))
    constants = {tensor.name for tensor in model.graph.initializer} if model is not None else {}
    names = [node.name for node in model.graph.node if node.name and node.input[1] in constants] if constants else []
    if names and random.random() < .1:
        asked[str(random.choice(["layers", "skip"]))] = f"^{random.choice(names)}$"
    return asked


# The result beside the original

def check_kept(model, result, report, asked):
    """What nobody touched is there as it was: inputs, outputs, and all nodes but those factored or folded."""
    before, after = model.graph, result.graph
    weights = {layer["name"] for layer in report["layers"] if layer["method"] != "keep"}
    constants = {tensor.name: tensor for tensor in after.initializer}
    # Inputs that stand for constants may go with those, and with `weights` where those are stored anew.
    needed = {info.name for info in before.input} - {tensor.name for tensor in before.initializer}
    expect([info for info in before.input if info.name in needed] == [info for info in after.input if info.name in needed]
           and {info.name for info in after.input} <= {info.name for info in before.input}, "its inputs are others")
    expect(list(before.output) == list(after.output), "its outputs are others")
    for part in ("opset_import", "ir_version", "producer_name"):
        expect(getattr(model, part) == getattr(result, part), f"its {part} is another")
    expect([entry for entry in result.metadata_props if not entry.key.startswith("lowrank.")] == list(model.metadata_props),
           "its metadata are others")
    expect(before.doc_string == after.doc_string and before.name == after.name, "its name or documentation is another")
    gone = set()
    for node in before.node:
        if (node.name or node.output[0]) in weights:
            gone.add(node.output[0])
            gone.update(other.output[0] for other in before.node if other.op_type == "BatchNormalization" and
                        other.input[0] == node.output[0] and folded(report, node))
    kept = [node for node in before.node if node.output[0] not in gone]
    there = {node.output[0]: node for node in after.node}
    used = {name for node in after.node for name in node.input} | {info.name for info in after.output}
    for node in kept:
        same = there.get(node.output[0]) == node
        # What made a weight that is factored goes with it.
        expect(same or set(node.output).isdisjoint(used), f"node {node.name or node.output[0]!r} is another or gone")
    order = [node.output[0] for node in after.node if node.output[0] in {other.output[0] for other in kept}]
    expect(order == [node.output[0] for node in kept if node.output[0] in there], "the order of nodes is another")
    for tensor in before.initializer:
        if tensor.name in constants:
            expect(constants[tensor.name] == tensor, f"the constant {tensor.name!r} is another")
        else:
            stored_anew = asked["weights"] != "original" and tensor.name in there
            expect(tensor.name not in used or stored_anew, f"the constant {tensor.name!r} is gone, and used")


def folded(report, node):
    name = node.name or node.output[0]
    return any(layer["name"] == name and layer["foldedBatchNormalization"] for layer in report["layers"])


def substituted(model, result, report):
    """The original in float64 with the composed kernels in the factored layers' places, and the constants that were stored
    anew; checks each layer's reported error on the way."""
    import oracle, verify_models
    from onnx import TensorProto, numpy_helper
    original, compressed = verify_models.Model("the original", model), verify_models.Model("the result", result)
    exact = verify_models.Model("the original in float64", oracle.retyped(model, TensorProto.DOUBLE))
    graph = exact.proto.graph
    for tensor in graph.initializer:
        stored = verify_models.constant(tensor.name, [result.graph])
        if stored is not None and stored.dtype.kind == "f":
            tensor.CopyFrom(numpy_helper.from_array(stored.astype(np.float64), tensor.name))
    for layer in report["layers"]:
        place = original.find(layer["name"])
        if layer["method"] == "keep":
            if layer["kernelShape"]:
                check_kept_layer(place, compressed, layer)
            continue
        dense, composed, scale = verify_models.composed_layer(place, compressed, layer)
        whole = dense if scale is None else verify_models.scaled(dense, scale)
        error = verify_models.relative_error(whole, composed)
        reported = layer["relativeError"]
        expect(abs(error - reported) <= ROUNDING, f"{layer['name']}: error {error!r}, reported {reported!r}")
        if scale is not None and np.all(scale != 0):
            error = verify_models.relative_error(dense, verify_models.scaled(composed, 1 / scale))
            expect(abs(error - layer["relativeErrorUnfolded"]) <= ROUNDING * max(1, abs(scale).max() / abs(scale).min()),
                   f"{layer['name']}: unfolded error {error!r}, reported {layer['relativeErrorUnfolded']!r}")
        target = exact.find(layer["name"])
        verify_models.put_kernel(exact, target, composed, None)
        if scale is not None:
            fold(graph, target.node, scale)
    return exact.proto


def check_kept_layer(place, compressed, layer):
    """A kept layer's weight is off by what the report says."""
    import verify_models
    before, _ = verify_models.weight_of(place)
    after, _ = verify_models.weight_of(compressed.find(layer["name"]))
    norm = np.linalg.norm(before.astype(np.float64))
    error = np.linalg.norm(after.astype(np.float64) - before) / norm if norm > 0 else np.abs(after).max()
    expect(abs(error - layer["relativeError"]) <= ROUNDING, f"{layer['name']}, kept: error {error!r}, reported "
           f"{layer['relativeError']!r}")


def fold(graph, node, scale):
    """Gives a node the bias that a BatchNormalization behind it comes to, and makes that one an Identity."""
    import verify_models
    from onnx import helper, numpy_helper
    behind = next(other for other in graph.node if other.op_type == "BatchNormalization" and other.input[0] == node.output[0])
    bias = verify_models.constant(node.input[2], [graph]) if len(node.input) > 2 else 0
    shift, mean = (verify_models.constant(behind.input[place], [graph]) for place in (2, 3))
    graph.initializer.append(numpy_helper.from_array(shift + scale * (bias - mean), f"{node.output[0]}/folded"))
    del node.input[2:]
    node.input.append(f"{node.output[0]}/folded")
    behind.CopyFrom(helper.make_node("Identity", [node.output[0]], [behind.output[0]]))


# The report beside the files

def shapes_of(model):
    """The extents of all values that strict shape inference finds."""
    import onnx
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True).graph
    infos = [*inferred.value_info, *inferred.input, *inferred.output]
    shapes = {info.name: [axis.dim_value for axis in info.type.tensor_type.shape.dim] for info in infos}
    return shapes | {tensor.name: list(tensor.dims) for tensor in inferred.initializer}


def source(model, name):
    """The constant that a weight comes from, behind the nodes that widen it."""
    maker = next((node for node in model.graph.node if name in node.output), None)
    return source(model, maker.input[0]) if maker is not None and maker.input else name


def costs(model, shapes, names):
    """The weights of nodes, each constant once, and their multiplies: a weight is multiplied once for each place and image,
    of the output or, in transposed convolutions, of the input."""
    import verify_models
    weights, multiplies = {}, 0
    for node in model.graph.node:
        if (node.name or node.output[0]) not in names:
            continue
        side = 0 if node.op_type == "MatMul" and verify_models.constant(node.input[1], [model.graph]) is None else 1
        weight, output = shapes[node.input[side]], shapes[node.output[0]]
        count = int(np.prod(weight))
        weights[source(model, node.input[side])] = count
        if "Conv" in node.op_type:
            places = shapes[node.input[0]] if node.op_type == "ConvTranspose" else output
            multiplies += count * places[0] * int(np.prod(places[2:]))
        else:
            outputs_first = side == 0 or any(attribute.name == "transB" and attribute.i for attribute in node.attribute)
            multiplies += count * (int(np.prod(output)) // weight[0 if outputs_first else 1])
    return sum(weights.values()), multiplies


def check_figures(model, result, report, asked, folder):
    import verify_models
    told, layers = report["model"], report["layers"]
    for path, figure in (("model.onnx", "bytesBefore"), ("result.onnx", "bytesAfter")):
        expect(os.path.getsize(os.path.join(folder, path)) == told[figure], f"{figure} is {told[figure]}")
    readable = [layer for layer in layers if layer["kernelShape"] and layer.get("macsBefore") is not None]
    expect(len(readable) == sum(1 for layer in layers if layer["kernelShape"]), "multiplies are missing")
    before, after = shapes_of(model), shapes_of(result)
    names = [], []
    for layer in readable:
        stages = [f"{layer['name']}/{stage}" for stage in verify_models.STAGES.get(layer["method"], [])] or [layer["name"]]
        counted = costs(model, before, [layer["name"]]), costs(result, after, stages)
        claimed = (layer["paramsBefore"], layer["macsBefore"]), (layer["paramsAfter"], layer["macsAfter"])
        expect(counted == claimed, f"{layer['name']}: weights and multiplies {counted}, reported {claimed}")
        expect(layer["relativeError"] <= layer["errorBound"] + ROUNDING or layer["method"] == "keep"
               or layer["storage"] != "float32", f"{layer['name']}: an error above its bound")
        if layer["method"] != "keep" and "error" in asked:
            expect(layer["relativeError"] <= asked["error"], f"{layer['name']}: an error above {asked['error']}")
        names = [names[0] + [layer["name"]], names[1] + stages]
    # Weights that layers share count once, their multiplies with each.
    (params, macs), (params_left, macs_left) = costs(model, before, names[0]), costs(result, after, names[1])
    whole = [params, params_left, macs, macs_left]
    claimed = [told[name] for name in ("paramsBefore", "paramsAfter", "macsBefore", "macsAfter")]
    expect(whole == claimed, f"weights and multiplies {whole}, reported {claimed}")
    if "allocation" in report:
        allocation = report["allocation"]
        after, before = claimed[::-1][:2] if allocation["unit"] == "multiplies" else claimed[1::-1]
        # What no layer can be found in is there whole.
        part = after / before if before else 1
        expect(abs(allocation["achieved"] - part) <= 1e-9, f"achieved {part}, reported {allocation['achieved']}")
        expect(part <= allocation["fraction"] or not before, f"achieved {part} of a budget of {allocation['fraction']}")


# Runs

def outcome_of(run, model, inputs, exact, tolerance, kind, random):
    """(outcome, why) of a run beside NumPy's of `exact`: "passed", also where it is refused for a reason that is known,
    "unsteady" where outputs are off, but rounding may do that to them, or "failed"."""
    import oracle
    given, refusal = graphs.attempt(lambda: run(model, inputs))
    if given is None:
        return "passed" if excused(refusal) else "failed", refusal
    off = oracle.largest_difference(given, oracle.answers(exact, inputs))
    if off <= tolerance:
        return "passed", ""
    moved = oracle.swing(exact, inputs, random) * LAST_PLACE[kind]
    return "unsteady" if off <= 10 * moved else "failed", f"off by {off:.1e}, its swing is {moved:.1e}"


def check_answers(model, result, exact, inputs, random):
    """The worst outcome of both graphs here and in ONNX Runtime; where that is off in the original, the case is `other`."""
    kind, outcomes = next(iter(inputs.values())).dtype.name, ["passed"]
    for run, tolerance in zip((graphs.run_here, graphs.run_in_onnx_runtime), TOLERANCES[kind]):
        for graph, truth, what in ((model, model, "the original"), (result, exact, "the result")):
            outcome, why = outcome_of(run, graph, inputs, truth, tolerance, kind, random)
            if outcome == "failed" and run is graphs.run_in_onnx_runtime and graph is model:
                outcomes.append("other")
                break
            expect(outcome != "failed", f"{run.__name__} of {what}: {why}")
            outcomes.append(outcome)
    return max(outcomes, key=("passed", "unsteady", "other").index)


def excused(refusal):
    """What an engine says that it lacks: padding by itself with dilation there, computed weights and biases here."""
    known = ("Dilation not supported for AutoPadType", "its weights are not constant", "its weights are neither constant nor")
    return any(words in refusal for words in known)


def compressed(path, output, asked):
    """The report of a compression; where a budget is out of reach, of one by error."""
    import lowrank
    try:
        return lowrank.compress(path, output, **asked)
    except lowrank.LowRankError as error:
        expect("cannot be reached" in str(error), f"refused: {error}")
    for budget in ("macs", "params"):
        asked.pop(budget, None)
    asked["error"] = .3
    return lowrank.compress(path, output, **asked)


def check(seed, number):
    import onnx
    model, inputs, asked = case(seed, number)
    if model is None:
        return "left out", "no layer"
    random = np.random.default_rng([seed, number, 2])
    with tempfile.TemporaryDirectory(prefix="compress-") as folder:
        paths = [os.path.join(folder, name) for name in ("model.onnx", "result.onnx")]
        onnx.save(model, paths[0])
        try:
            report = compressed(*paths, asked)
            result = onnx.load(paths[1])
            onnx.checker.check_model(result, full_check=True)
            if asked.get("error") == 0 and asked["weights"] == "original":
                expect(open(paths[0], "rb").read() == open(paths[1], "rb").read(), "error 0 changes bytes")
            check_kept(model, result, report, asked)
            exact = substituted(model, result, report)
            check_figures(model, result, report, asked, folder)
            outcome = check_answers(model, result, exact, inputs, random)
        except Exception as error:
            return "failed", f"{asked}: {type(error).__name__}: {' '.join(str(error).split())[:400]}"
    return outcome, json.dumps(asked)


def keep(seed, number, folder):
    model, inputs, asked = case(seed, number)
    graphs.write(model, inputs, folder)
    with open(os.path.join(folder, "arguments.json"), "w") as file:
        json.dump(asked, file)


if __name__ == "__main__":
    workers.main(__doc__.splitlines()[0], check, keep, "graphs")
