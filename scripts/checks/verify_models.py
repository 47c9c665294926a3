#!/usr/bin/env python3
"""Check a compressed ONNX model against its original, and against the report of `lowrank compress --json`.

    python verify_models.py ORIGINAL.onnx COMPRESSED.onnx [REPORT.json] [--identical] [--shape NAME=1,3,224,224 ...]

Both models go through onnx.checker and strict shape inference and run in ONNX Runtime on seeded random inputs; the
largest difference of an output, relative to the largest value of that output, is printed. With a report:

- each factored layer's stages are composed again into one dense kernel, which is compared in Double with the
  original's (batch normalization folded in where the report says so): its relative Frobenius error must not exceed the
  report's `relativeError`, without the folding it must be `relativeErrorUnfolded`, and its taps must lie where the original's do (strides, dilations and padding);
- layers that were kept must have their weights unchanged, or rounded by no more than the report's `relativeError` where
  it says that they are stored anew;
- the original with those composed kernels put in must compute what the compressed model computes (biases, strides,
  padding and folding then agree too), up to rounding.

Needs onnx, onnxruntime and numpy. Exits with 1 where a check fails, 2 on wrong arguments, 3 without those packages.
"""
import argparse, functools, json, sys
from collections import namedtuple

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import helper, numpy_helper
except ImportError as missing:
    print(f"verify_models.py needs {missing.name}: python3 -m venv venv && venv/bin/pip install onnx onnxruntime numpy, "
          "then run it with venv/bin/python.", file=sys.stderr)
    sys.exit(3)

STAGES = {
    "tucker2": ["mode2", "core", "mode1"], "svd": ["right", "left"], "cp3": ["mode2", "kernel", "mode1"],
    "cp4": ["mode2", "vertical", "horizontal", "mode1"], "spatial": ["first", "second"], "channel": ["first", "second"],
    "spatial-mirrored": ["first", "second"], "channel-mirrored": ["first", "second"]}
KEPT = ("keep", "dense")
CONVOLUTIONS = ("Conv", "ConvTranspose")
# By how much a measured error may exceed the reported one: relative to it, and absolute by the coarsest number format
# of the weights, whose rounding the report's error need not contain.
RELATIVE_SLACK = 1e-4
ABSOLUTE_SLACK = {"float64": 1e-6, "float32": 1e-6, "float16": 2e-3, "bfloat16": 1.6e-2}
# How far the compressed model may lie from the original with the composed kernels, by the same format.
RUN_TOLERANCE = {"float64": 1e-3, "float32": 1e-3, "float16": 2e-2, "bfloat16": 1e-1}

# A linear map between channels at shifted positions: y[n] = sum over o of taps[o] x[stride n + o], o a tuple of one
# offset for each spatial axis (empty for Gemm and MatMul). A `transposed` one goes the other way: it adds taps[o] x[n]
# to y[stride n + o]. `format` names the weights' number format. `floating` marks offsets without an origin, for
# automatic padding depends on the input's size.
Layer = namedtuple("Layer", "taps stride transposed format floating")
Place = namedtuple("Place", "node scopes")
Block = namedtuple("Block", "outputs inputs rows")


class CannotRead(Exception):
    """A node that is missing, or whose weights are not constants of the model."""


def stop(message):
    """Ends with 2: the arguments or files are not what they should be, so nothing was checked."""
    print(f"verify_models.py: {message}", file=sys.stderr)
    sys.exit(2)


# Reading layers from a model

def walk(graph, scopes=()):
    """Every node of a graph (or function) and of its subgraphs, with the graphs around it, the innermost last."""
    scopes = scopes + (graph,)
    for node in graph.node:
        yield Place(node, scopes)
        for attribute in node.attribute:
            for body in [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs:
                yield from walk(body, scopes)


class Model:
    def __init__(self, path, proto=None):
        self.path = path
        self.proto = onnx.load(path) if proto is None else proto
        places = [place for body in [self.proto.graph, *self.proto.functions] for place in walk(body)]
        self.named, self.unnamed = {}, {}
        for place in places:
            if place.node.name:
                self.named.setdefault(place.node.name, []).append(place)
            elif place.node.output:
                self.unnamed.setdefault(place.node.output[0], []).append(place)

    def find(self, name):
        """The node of that name, or the nameless one whose first output is called so."""
        found = self.named.get(name) or self.unnamed.get(name) or []
        if len(found) != 1:
            raise CannotRead(f"{self.path} has {'no node' if not found else f'{len(found)} nodes'} named {name!r}")
        return found[0]


def attributes(node):
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def constant(name, scopes):
    """The value of an initializer or a Constant node, also through Identity and through Cast and DequantizeLinear, which
    weights of few bits stand behind; None where it is not constant."""
    for depth in range(len(scopes) - 1, -1, -1):
        body = scopes[depth]
        for initializer in getattr(body, "initializer", ()):
            if initializer.name == name:
                return numpy_helper.to_array(initializer)
        for node in body.node:
            if name in node.output:
                if node.op_type == "Identity":
                    return constant(node.input[0], scopes[: depth + 1])
                if node.op_type in ("Cast", "DequantizeLinear"):
                    return widened(node, [constant(input, scopes[: depth + 1]) for input in node.input])
                if node.op_type != "Constant":
                    return None
                (value,) = attributes(node).values()
                return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.array(value, np.float32)
    return None


def widened(node, values):
    """What a Cast or a DequantizeLinear makes of constants; None where an input is computed."""
    if any(value is None for value in values):
        return None
    options = attributes(node)
    if node.op_type == "Cast":
        return values[0].astype(helper.tensor_dtype_to_np_dtype(options["to"]))
    numbers, scale, *zero = values
    shape = [1] * numbers.ndim
    if scale.ndim == 1:
        shape[options.get("axis", 1)] = -1
    offset = zero[0].reshape(shape).astype(np.float32) if zero else np.float32(0)
    return (numbers.astype(np.float32) - offset) * scale.reshape(shape)


def weight_of(place):
    """The node's constant weight as it is stored, and the input that holds it."""
    node = place.node
    if node.op_type not in CONVOLUTIONS + ("Gemm", "MatMul"):
        raise CannotRead(f"{node.name or node.output[0]!r} is a {node.op_type}")
    for index in (1,) if node.op_type in CONVOLUTIONS else (1, 0):
        weight = constant(node.input[index], place.scopes)
        if weight is not None:
            if node.op_type not in CONVOLUTIONS and weight.ndim != 2:
                raise CannotRead(f"the weight of {node.name or node.output[0]!r} has {weight.ndim} axes")
            return weight, index
    raise CannotRead(f"the weight of {node.name or node.output[0]!r} is no constant")


def read_layer(place):
    weight, index = weight_of(place)
    options, node = attributes(place.node), place.node
    values = weight.astype(np.float64)
    if node.op_type not in CONVOLUTIONS:
        return Layer({(): matrix_of(node, values, index)}, (), False, weight.dtype.name, False)
    axes, transposed = values.ndim - 2, node.op_type == "ConvTranspose"
    strides, dilations = options.get("strides", [1] * axes), options.get("dilations", [1] * axes)
    # Of a ConvTranspose, `output_shape` makes the padding too.
    automatic = options.get("auto_pad", b"NOTSET") in (b"SAME_UPPER", b"SAME_LOWER") or "output_shape" in options
    pads = options.get("pads", [0] * 2 * axes)
    blocks, taps = group_blocks(node, values.shape), {}
    for position in np.ndindex(*values.shape[2:]):
        matrix = np.zeros((blocks[-1].outputs.stop, blocks[-1].inputs.stop))
        for block in blocks:
            stored = values[(block.rows, slice(None), *position)]
            matrix[block.outputs, block.inputs] = stored.T if transposed else stored
        taps[tuple(d * k - p for d, k, p in zip(dilations, position, pads))] = matrix
    return Layer(taps, tuple(strides), transposed, weight.dtype.name, automatic)


def group_blocks(node, shape):
    """For each group of a Conv or ConvTranspose: its output channels, its input channels, its rows of the weight."""
    groups, transposed = attributes(node).get("group", 1), node.op_type == "ConvTranspose"
    blocks = []
    for g in range(groups):
        # The weight's rows are split among the groups, its columns are each group's own.
        rows = slice(g * shape[0] // groups, (g + 1) * shape[0] // groups)
        columns = slice(g * shape[1], (g + 1) * shape[1])
        blocks.append(Block(columns, rows, rows) if transposed else Block(rows, columns, rows))
    return blocks


def kernel_shape(node, shape):
    """The shape with output channels first, as the report gives it, of a weight as it is stored."""
    if node.op_type != "ConvTranspose":
        return list(shape)
    groups = attributes(node).get("group", 1)
    return [shape[1] * groups, shape[0] // groups, *shape[2:]]


def matrix_of(node, values, index):
    """The matrix [T, S] by which a Gemm or MatMul multiplies its activation; its own inverse but for alpha."""
    if node.op_type == "MatMul":
        return values if index == 0 else values.T
    options = attributes(node)
    # Y = alpha A' B': a constant B' is transposed, for the activation's channels run along the rows.
    transposed = bool(options.get("transA" if index == 0 else "transB", 0)) != (index == 1)
    return options.get("alpha", 1.0) * (values.T if transposed else values)


# Composing and comparing

def compose(first, second):
    """The layer that runs `first`, then `second`: y[n] takes x at s1 (s2 n + o2) + o1; of transposed layers x[n] goes to
    y at s2 (s1 n + o1) + o2. A pointwise layer is both, so it may stand beside either."""
    transposed = first.transposed or second.transposed
    for layer in (first, second):
        if transposed and not layer.transposed and (
                set(layer.stride) - {1} or set(layer.taps) != {(0,) * len(layer.stride)}):
            raise CannotRead("a stage beside a ConvTranspose is neither one nor pointwise")
    taps = {}
    for o2, left in second.taps.items():
        for o1, right in first.taps.items():
            if left.shape[1] != right.shape[0]:
                raise CannotRead(f"a stage makes {right.shape[0]} channels and the next takes {left.shape[1]}")
            if transposed:
                offset = tuple(s * a + b for s, a, b in zip(second.stride, o1, o2))
            else:
                offset = tuple(s * b + a for s, a, b in zip(first.stride, o1, o2))
            product = left @ right
            taps[offset] = taps[offset] + product if offset in taps else product
    stride = tuple(a * b for a, b in zip(first.stride, second.stride))
    return Layer(taps, stride, transposed, coarsest(first.format, second.format),
                 first.floating or second.floating)


def coarsest(*formats):
    return max(formats, key=lambda name: ABSOLUTE_SLACK.get(name, 0))


def anchored(layer):
    """The taps with their smallest offset moved to 0 on each axis."""
    origin = [min(axis) for axis in zip(*layer.taps)]
    return {tuple(o - start for o, start in zip(offset, origin)): matrix for offset, matrix in layer.taps.items()}


def scaled(layer, scale):
    return layer._replace(taps={offset: scale[:, None] * matrix for offset, matrix in layer.taps.items()})


def normalization_scale(place):
    """The factor of each output channel of the BatchNormalization behind a node."""
    for node in place.scopes[-1].node:
        if node.op_type == "BatchNormalization" and node.input[0] == place.node.output[0]:
            scale, variance = (constant(node.input[i], place.scopes) for i in (1, 4))
            if scale is None or variance is None:
                break
            epsilon = attributes(node).get("epsilon", 1e-5)
            return scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    raise CannotRead(f"no constant BatchNormalization follows {place.node.name!r} in the original")


def relative_error(original, other):
    """The Frobenius norm of the difference over that of the original; raises where the geometries differ."""
    if original.transposed != other.transposed:
        raise CannotRead(f"the stages are {'' if other.transposed else 'not '}transposed, unlike the original")
    if original.stride != other.stride:
        raise CannotRead(f"the stages have stride {other.stride}, the original has {original.stride}")
    first, second = original.taps, other.taps
    if original.floating or other.floating:
        first, second = anchored(original), anchored(other)
    if set(first) != set(second):
        raise CannotRead(
            f"the stages reach over {min(second)}...{max(second)}, the original over {min(first)}...{max(first)}")
    shapes = next(iter(first.values())).shape, next(iter(second.values())).shape
    if shapes[0] != shapes[1]:
        raise CannotRead(f"the stages map {shapes[1][1]} channels to {shapes[1][0]}, the original {shapes[0][1]} to {shapes[0][0]}")
    norm = np.sqrt(sum(np.sum(matrix ** 2) for matrix in first.values()))
    difference = np.sqrt(sum(np.sum((matrix - second[offset]) ** 2) for offset, matrix in first.items()))
    return float(difference / norm if norm > 0 else difference)


def put_kernel(model, place, layer, scale):
    """Gives a node of the original a weight of its own: the composed kernel, without the factors of the folding."""
    weight, index = weight_of(place)
    if scale is not None:
        if np.any(scale == 0):
            raise CannotRead(f"a channel of the BatchNormalization behind {place.node.name!r} is scaled by 0")
        layer = scaled(layer, 1 / scale)
    if place.node.op_type in CONVOLUTIONS:
        values, blocks = np.zeros(weight.shape), group_blocks(place.node, weight.shape)
        # Offsets in ascending order are the kernel's positions in row-major order.
        for position, offset in zip(np.ndindex(*weight.shape[2:]), sorted(layer.taps)):
            for block in blocks:
                matrix = layer.taps[offset][block.outputs, block.inputs]
                values[(block.rows, slice(None), *position)] = matrix.T if layer.transposed else matrix
    else:
        alpha = attributes(place.node).get("alpha", 1.0)
        values = matrix_of(place.node, layer.taps[()], index) / alpha ** 2
    put_weight(model, place, index, values.astype(weight.dtype))


def put_weight(model, place, index, values):
    """Gives a node a weight of its own in place of an input."""
    name = f"verify_models/{len(model.proto.graph.initializer)}"
    model.proto.ir_version = max(4, model.proto.ir_version)  # from 4 on an initializer need not be a graph input
    model.proto.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
    place.node.input[index] = name


class Verdict:
    def __init__(self):
        self.failures = 0

    def line(self, good, text):
        self.failures += not good
        print(f"{'ok  ' if good else 'FAIL'}  {text}")

    def note(self, text):
        print(f"note  {text}")


def check_report(report, original, compressed, verdict):
    """Checks every layer; leaves the composed kernels in `original`. Gives the coarsest number format met."""
    formats, worst, kept, replaced = ["float32"], 0.0, 0, []
    for layer in report["layers"]:
        name, method = layer["name"], layer["method"]
        try:
            place = original.find(name)
            if method in KEPT:
                kept += check_kept(place, original, compressed, layer)
                continue
            dense, composed, scale = composed_layer(place, compressed, layer)
            error = relative_error(dense if scale is None else scaled(dense, scale), composed)
            number = coarsest(dense.format, composed.format)
            if scale is not None and np.all(scale != 0):
                check_unfolded(layer, relative_error(dense, scaled(composed, 1 / scale)), number, verdict)
        except CannotRead as problem:
            verdict.line(False, f"{name}: {problem}")
            continue
        limit = layer["relativeError"] * (1 + RELATIVE_SLACK) + ABSOLUTE_SLACK[number]
        verdict.line(
            error <= limit,
            f"{name}: {method} {layer['ranks']}: relative error {error:.6g}, reported {layer['relativeError']:.6g}")
        formats.append(number)
        worst = max(worst, error)
        replaced.append((place, composed, scale))
    print(f"      {len(replaced)} layers factored, largest relative error {worst:.6g}; {kept} kept, their weights as reported")
    for place, composed, scale in replaced:
        try:
            put_kernel(original, place, composed, scale)
        except CannotRead as problem:
            verdict.note(f"the composed kernels are not run: {problem}")
            return None
    return coarsest(*formats)


def composed_layer(place, compressed, layer):
    """A factored layer of the original, what its stages compose to, and the factors of the batch normalization that is folded
    into those, or None."""
    if layer["method"] not in STAGES:
        raise CannotRead(f"the method {layer['method']!r} is not known here")
    weight, _ = weight_of(place)
    shape = kernel_shape(place.node, weight.shape)
    if place.node.op_type in CONVOLUTIONS and shape != list(layer["kernelShape"]):
        raise CannotRead(f"the report says kernel {layer['kernelShape']}, the original has {shape}")
    scale = normalization_scale(place) if layer.get("foldedBatchNormalization") else None
    stages = [read_layer(compressed.find(f"{layer['name']}/{stage}")) for stage in STAGES[layer["method"]]]
    return read_layer(place), functools.reduce(compose, stages), scale


def check_unfolded(layer, error, number, verdict):
    """The error of the kernel without the batch normalization folded into it must be what the report says."""
    reported = layer.get("relativeErrorUnfolded")
    verdict.line(
        reported is not None and abs(error - reported) <= reported * RELATIVE_SLACK + ABSOLUTE_SLACK[number],
        f"{layer['name']}: without batch normalization: relative error {error:.6g}, reported {reported}")


def check_kept(place, original, compressed, layer):
    """1 where the weight of a kept layer is the same in both models, or as the report says rounded, which `original` then
    takes too; 0 where there is none to compare."""
    try:
        before, index = weight_of(place)
    except CannotRead:
        return 0  # not a layer with constant weights: nothing that could have changed
    after, _ = weight_of(compressed.find(layer["name"]))
    if layer.get("foldedBatchNormalization"):
        raise CannotRead("the report says that it was kept, and that BatchNormalization was folded into it")
    if before.shape != after.shape:
        raise CannotRead("the report says that it was kept, but its weight has another shape")
    if before.astype(after.dtype).tobytes() != after.tobytes():
        error = np.linalg.norm(after.astype(np.float64) - before) / np.linalg.norm(before.astype(np.float64))
        if not error <= layer["relativeError"] * (1 + RELATIVE_SLACK):
            raise CannotRead(f"the report says that it was kept with an error of {layer['relativeError']}, but its "
                             f"weight differs by {error}")
        put_weight(original, place, index, after)
    return 1


# The file and its run

def complaint(path):
    """What onnx.checker or strict shape inference has against a model; None where nothing."""
    try:
        onnx.checker.check_model(path, full_check=True)
        onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True)
    except Exception as error:
        return " ".join(str(error).split())[:300]
    return None


def open_session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def random_inputs(session, shapes, seed):
    """Normal numbers (0 and 1 for integers) of the input's shape; an open axis is 1 if it is the first, else 64."""
    inputs = {}
    for argument in session.get_inputs():
        shape = shapes.get(argument.name) or [
            extent if isinstance(extent, int) else 1 if axis == 0 else 64 for axis, extent in enumerate(argument.shape)]
        random = np.random.default_rng([seed, len(inputs)])
        kind = {"tensor(float)": "float32", "tensor(double)": "float64"}.get(argument.type, argument.type[7:-1])
        if "float" in kind:
            inputs[argument.name] = random.standard_normal(shape).astype(kind)
        elif "int" in kind or kind == "bool":
            inputs[argument.name] = random.integers(0, 2, shape).astype(kind)
        else:
            stop(f"the input {argument.name!r} has type {argument.type}, for which no values are made")
    return inputs


def largest_difference(first, second):
    """Over all outputs, the largest difference relative to the largest value of that output; infinite on a mismatch."""
    worst = 0.0
    for a, b in zip(first, second):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return float("inf")
        if not a.size or np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            continue
        if a.dtype.kind not in "fiu":
            return float("inf")
        a, b = a.astype(np.float64), b.astype(np.float64)
        difference, largest = np.max(np.abs(a - b)), np.max(np.abs(a))
        worst = max(worst, float(difference / largest) if largest > 0 else float(difference))
        if np.isnan(difference):
            return float("inf")
    return worst


def nudged(inputs):
    """Inputs with every other number changed by 1e-6 of itself, which is some units in the last place of a float32."""
    def nudge(array):
        if array.dtype.kind != "f":
            return array
        factors = np.where(np.arange(array.size).reshape(array.shape) % 2 == 0, 1 + 1e-6, 1.0)
        return (array * factors).astype(array.dtype)
    return {name: nudge(array) for name, array in inputs.items()}


def signature(session):
    return [(a.name, a.type, a.shape) for a in session.get_inputs()], [(a.name, a.type) for a in session.get_outputs()]


def check_runs(options, verdict):
    """Runs both models. Gives the inputs and the compressed model's outputs, or None where it does not run."""
    try:
        before = open_session(options.original)
    except Exception as error:
        text = f"ONNX Runtime does not run the original: {' '.join(str(error).split())[:200]}"
        verdict.line(False, text) if options.identical else verdict.note(text)
        return None
    try:
        after = open_session(options.compressed)
    except Exception as error:
        verdict.line(False, f"ONNX Runtime runs the original but not {options.compressed}: {' '.join(str(error).split())[:300]}")
        return None
    verdict.line(signature(before) == signature(after), "inputs and outputs have the same names and types")
    known = {argument.name for argument in before.get_inputs()}
    if unknown := set(options.shapes) - known:
        stop(f"--shape {sorted(unknown)[0]}: the model's inputs are {', '.join(sorted(known))}")
    try:
        inputs = random_inputs(before, options.shapes, options.seed)
        outputs = before.run(None, inputs)
    except Exception as error:
        stop(f"the original does not run on inputs "
             f"{ {k: list(v.shape) for k, v in inputs.items()} }; give --shape NAME=...: {' '.join(str(error).split())[:300]}")
    shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in inputs.items())
    try:
        others = after.run(None, inputs)
    except Exception as error:
        verdict.line(False, f"the compressed model fails on {shapes}: {' '.join(str(error).split())[:300]}")
        return None
    difference = largest_difference(outputs, others)
    verdict.line(np.isfinite(difference), f"largest relative output difference {difference:.3g} on {shapes}")
    if options.identical:
        same = all(np.asarray(a).tobytes() == np.asarray(b).tobytes() for a, b in zip(outputs, others))
        verdict.line(same and len(outputs) == len(others), "the outputs are identical, bit for bit")
    return inputs, others


def parse_shape(text):
    name, found, extents = text.rpartition("=")
    try:
        shape = [int(extent) for extent in extents.split(",")]
    except ValueError:
        shape = []
    if not found or not shape or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=1,3,224,224")
    return name, shape


def read_report(path):
    with open(path) as file:
        report = json.load(file)
    if not isinstance(report, dict) or not isinstance(report.get("layers"), list):
        raise ValueError("no list `layers`: is it a report of `lowrank compress --json`?")
    return report


def read(reader, path):
    try:
        return reader(path)
    except Exception as error:
        stop(f"{path}: {error}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original")
    parser.add_argument("compressed")
    parser.add_argument("report", nargs="?", help="what `lowrank compress --json` printed")
    parser.add_argument("--identical", action="store_true", help="demand bit-identical outputs")
    parser.add_argument("--shape", action="append", default=[], type=parse_shape, metavar="NAME=1,3,224,224")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tolerance", type=float, help="how far the compressed model may lie from the original with the "
                        "composed kernels, relative (default 1e-3; float16 2e-2)")
    options = parser.parse_args()
    options.shapes = dict(options.shape)
    original, compressed = read(Model, options.original), read(Model, options.compressed)
    report = read(read_report, options.report) if options.report else None
    verdict = Verdict()
    against = complaint(options.original)
    if against:
        verdict.note(f"the original itself does not pass onnx.checker with strict shape inference: {against}")
    else:
        against = complaint(options.compressed)
        verdict.line(not against, f"onnx.checker and strict shape inference{': ' + against if against else ''}")
    run = check_runs(options, verdict)
    if report:
        number = check_report(report, original, compressed, verdict)
        if run and number and not verdict.failures:
            inputs, outputs = run
            try:
                composed = open_session(original.proto.SerializeToString())
                expected = composed.run(None, inputs)
                difference = largest_difference(expected, outputs)
                # Some networks are chaotic on inputs that are no pictures: what a change of the input in its last bits
                # does to them, rounding may do as well.
                swing = largest_difference(expected, composed.run(None, nudged(inputs)))
                tolerance = max(options.tolerance or RUN_TOLERANCE[number], 10 * swing)
                verdict.line(
                    difference <= tolerance,
                    f"the original with the composed kernels differs by {difference:.3g} (at most {tolerance:.3g}; a change "
                    f"of the input by 1e-6 of itself makes {swing:.3g})")
            except Exception as error:
                verdict.note(f"the original with the composed kernels does not run: {' '.join(str(error).split())[:200]}")
    print(f"{verdict.failures} check(s) failed" if verdict.failures else "all checks passed")
    return 1 if verdict.failures else 0


if __name__ == "__main__":
    sys.exit(main())
