#!/usr/bin/env python3
"""Run generated graphs through `lowrank run` and through ONNX Runtime, and compare every output.

    python3 scripts/fuzz_graphs.py [--count 2000] [--seed 1] [--lowrank PATH] [--failures FOLDER] [--case N]

Small graphs of operators that the engine claims: extents of 0 and 1, broadcasting, views of views, concatenations and splits
of views, shapes computed by the graph itself, indices from behind, convolutions and pools between them. The shapes of
floats must be the same, and the elements within 1e-4 of the largest; integers must be the same. Graphs that ONNX Runtime
itself refuses are counted and left out; more than one in twenty is a failure of this script. A case depends on the seed and
its number alone; failing ones are kept. Needs numpy, onnx and onnxruntime. Exits with 1 where a case fails.
"""
import argparse, multiprocessing, os, shutil, subprocess, sys, tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LIMIT, OPSET, SECONDS = 4096, 17, 60
UNARY = ("Relu", "Neg", "Abs", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "HardSwish", "Identity", "Softplus", "Elu",
         "Erf", "Softsign", "Sin", "Cos")
BINARY = ("Add", "Sub", "Mul", "Max", "Min")


def extent(random):
    return int(random.choice([0, 1, 2, 3, 4, 5, 7], p=[.03, .2, .2, .2, .17, .1, .1]))


class Maker:
    """A graph in the making: what values there are, by name, with their shapes."""

    def __init__(self, random):
        self.random, self.nodes, self.constants, self.inputs = random, [], [], {}
        self.shapes, self.used = {}, set()

    def pick(self, order=None):
        names = [name for name, shape in self.shapes.items() if order is None or len(shape) == order]
        # The newest are taken most: graphs are to be deep rather than wide.
        return names[-1 - min(len(names) - 1, int(self.random.geometric(.45)) - 1)] if names else None

    def constant(self, array):
        from onnx import numpy_helper
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def floats(self, *shape):
        return self.constant(self.random.standard_normal(shape).astype(np.float32))

    def integers(self, numbers):
        return self.constant(np.array(numbers, np.int64))

    def node(self, op, inputs, shapes, **attributes):
        from onnx import helper
        names = [f"v{len(self.shapes) + place}" for place in range(len(shapes))]
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))
        self.used.update(inputs)
        for name, shape in zip(names, shapes):
            self.shapes[name] = tuple(int(n) for n in shape)
        return names[0]

    def hidden(self, op, inputs, **attributes):
        """A node whose result is no value to go on from, such as a shape."""
        from onnx import helper
        name = f"h{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        self.used.update(inputs)
        return name

    def start(self):
        for place in range(int(self.random.integers(1, 4))):
            shape = tuple(extent(self.random) for _ in range(int(self.random.choice([1, 2, 3, 4], p=[.1, .2, .3, .4]))))
            self.inputs[f"x{place}"] = self.shapes[f"x{place}"] = shape


# Operators: each adds a node, or does nothing where there is no value that it can take.

def unary(g):
    x = g.pick()
    g.node(str(g.random.choice(UNARY)), [x], [g.shapes[x]])


def clip(g):
    x = g.pick()
    bounds = sorted(g.random.standard_normal(2).astype(np.float32))
    names = [g.constant(bound) if g.random.random() < .8 else "" for bound in bounds]
    g.node("Clip", [x] + names, [g.shapes[x]])


def partner(g, shape):
    """A value or a constant that can be broadcast with a shape."""
    fitting = []
    for name, other in g.shapes.items():
        try:
            if np.prod(np.broadcast_shapes(shape, other)) <= LIMIT:
                fitting.append(name)
        except ValueError:
            pass
    if fitting and g.random.random() < .6:
        return str(g.random.choice(fitting))
    thinned = [n if g.random.random() < .6 else 1 for n in shape][int(g.random.integers(0, len(shape) + 1)):]
    name = g.floats(*thinned)
    g.shapes_of_constants = getattr(g, "shapes_of_constants", {})
    g.shapes_of_constants[name] = tuple(thinned)
    return name


def shape_of(g, name):
    return g.shapes[name] if name in g.shapes else g.shapes_of_constants[name]


def binary(g):
    x = g.pick()
    y = partner(g, g.shapes[x])
    pair = [x, y] if g.random.random() < .5 else [y, x]
    g.node(str(g.random.choice(BINARY)), pair, [np.broadcast_shapes(g.shapes[x], shape_of(g, y))])


def where(g):
    x = g.pick()
    y = partner(g, g.shapes[x])
    condition = g.hidden("Greater", [x, g.constant(np.float32(g.random.standard_normal()))])
    if g.random.random() < .3:
        condition = g.hidden("Not", [condition])
    g.node("Where", [condition, x, y], [np.broadcast_shapes(g.shapes[x], shape_of(g, y))])


def transpose(g):
    x = g.pick()
    order = g.random.permutation(len(g.shapes[x]))
    g.node("Transpose", [x], [[g.shapes[x][axis] for axis in order]], perm=[int(axis) for axis in order])


def reshape(g):
    x = g.pick()
    shape = g.shapes[x]
    if 0 in shape or not shape:
        return
    count, target = int(np.prod(shape)), []
    while count > 1 and len(target) < 4:
        divisors = [n for n in range(1, count + 1) if count % n == 0]
        target.append(int(g.random.choice(divisors)))
        count //= target[-1]
    target = target + [count]
    given = list(target)
    if g.random.random() < .5:
        given[int(g.random.integers(len(given)))] = -1
    g.node("Reshape", [x, g.integers(given)], [target])


def computed_reshape(g):
    """Two axes joined by what Shape, Gather, Mul and Concat make."""
    x = g.pick()
    shape = g.shapes[x]
    if len(shape) < 2 or 0 in shape:
        return
    sizes = g.hidden("Shape", [x])
    first = g.hidden("Gather", [sizes, g.integers([0])], axis=0)
    second = g.hidden("Slice", [sizes, g.integers([1]), g.integers([2])])
    rest = g.hidden("Slice", [sizes, g.integers([2]), g.integers([9])])
    joined = g.hidden("Mul", [first, second])
    target = g.hidden("Concat", [joined, rest], axis=0)
    g.node("Reshape", [x, target], [(shape[0] * shape[1],) + shape[2:]])


def cut(g):
    x = g.pick()
    shape = list(g.shapes[x])
    if not shape:
        return
    axes = [int(axis) for axis in g.random.permutation(len(shape))[:int(g.random.integers(1, 3))]]
    starts, ends, steps = [], [], []
    for axis in axes:
        start, end = (int(n) for n in g.random.integers(-shape[axis] - 1, shape[axis] + 2, 2))
        step = int(g.random.choice([1, 1, 1, 2, 3, -1, -2]))
        shape[axis] = len(range(shape[axis])[slice(start, end, step)]) if step > 0 else len(
            np.arange(shape[axis])[onnx_range(start, end, step, shape[axis])])
        starts, ends, steps = starts + [start], ends + [end], steps + [step]
    g.node("Slice", [x] + [g.integers(numbers) for numbers in (starts, ends, axes, steps)], [shape])


def onnx_range(start, end, step, extent):
    """The standard's indices for a negative step."""
    start, end = (n + extent if n < 0 else n for n in (start, end))
    start, end = min(max(start, 0), extent - 1), min(max(end, -1), extent - 1)
    return np.array(list(range(start, end, step)), dtype=int)


def squeeze(g):
    x = g.pick()
    shape = list(g.shapes[x])
    ones = [axis for axis, n in enumerate(shape) if n == 1]
    if ones and g.random.random() < .6:
        axis = int(g.random.choice(ones))
        g.node("Squeeze", [x, g.integers([axis - len(shape)])], [shape[:axis] + shape[axis + 1:]])
    elif len(shape) < 5:
        axis = int(g.random.integers(len(shape) + 1))
        g.node("Unsqueeze", [x, g.integers([axis])], [shape[:axis] + [1] + shape[axis:]])


def concat(g):
    x = g.pick()
    shape = g.shapes[x]
    if not shape:
        return
    axis = int(g.random.integers(len(shape)))
    parts = [x] + [name for name, other in g.shapes.items()
                   if len(other) == len(shape) and all(a == b or k == axis for k, (a, b) in enumerate(zip(shape, other)))]
    chosen = [str(name) for name in g.random.choice(parts, int(g.random.integers(1, 4)))]
    total = sum(g.shapes[name][axis] for name in chosen)
    g.node("Concat", chosen, [shape[:axis] + (total,) + shape[axis + 1:]], axis=axis)


def split(g):
    x = g.pick()
    shape = g.shapes[x]
    if not shape:
        return
    axis = int(g.random.integers(len(shape)))
    first = int(g.random.integers(0, shape[axis] + 1))
    sizes = [first, shape[axis] - first]
    g.node("Split", [x, g.integers(sizes)], [shape[:axis] + (n,) + shape[axis + 1:] for n in sizes], axis=axis)


def expand(g):
    x = g.pick()
    shape = g.shapes[x]
    target = [int(g.random.integers(1, 4)) if n == 1 and g.random.random() < .6 else n for n in shape]
    if len(target) < 4 and g.random.random() < .4:
        target = [2] + target
    if target:
        g.node("Expand", [x, g.integers(target)], [target])


def tile(g):
    x = g.pick()
    if g.shapes[x]:
        repeats = [int(n) for n in g.random.choice([1, 1, 2, 3], len(g.shapes[x]))]
        g.node("Tile", [x, g.integers(repeats)], [[a * b for a, b in zip(g.shapes[x], repeats)]])


def pad(g):
    x = g.pick()
    shape = g.shapes[x]
    if not shape:
        return
    mode = str(g.random.choice(["constant", "reflect", "edge"]))
    if mode != "constant" and 0 in shape:
        return
    most = [n - 1 if mode == "reflect" else 2 for n in shape]
    pads = [int(g.random.integers(0, max(0, min(2, m)) + 1)) for m in most * 2]
    inputs = [x, g.integers(pads)] + ([g.constant(np.float32(1.5))] if mode == "constant" else [])
    order = len(shape)
    g.node("Pad", inputs, [[n + pads[k] + pads[order + k] for k, n in enumerate(shape)]], mode=mode)


def gather(g):
    x = g.pick()
    shape = g.shapes[x]
    if not shape or 0 in shape:
        return
    axis = int(g.random.integers(len(shape)))
    indices = g.random.integers(-shape[axis], shape[axis], [int(n) for n in g.random.integers(1, 4, g.random.integers(0, 3))])
    g.node("Gather", [x, g.constant(np.array(indices, np.int64))],
           [shape[:axis] + np.shape(indices) + shape[axis + 1:]], axis=axis)


def gather_elements(g):
    x = g.pick()
    shape = g.shapes[x]
    if not shape or 0 in shape:
        return
    axis = int(g.random.integers(len(shape)))
    target = list(shape)
    target[axis] = int(g.random.integers(1, 4))
    indices = g.random.integers(-shape[axis], shape[axis], target)
    g.node("GatherElements", [x, g.constant(indices.astype(np.int64))], [target], axis=axis)


def softmax(g):
    x = g.pick()
    if g.shapes[x] and 0 not in g.shapes[x]:
        axis = int(g.random.integers(-len(g.shapes[x]), len(g.shapes[x])))
        g.node(str(g.random.choice(["Softmax", "LogSoftmax"])), [x], [g.shapes[x]], axis=axis)


def reduction(g):
    x = g.pick()
    shape = g.shapes[x]
    if not shape or 0 in shape:
        return
    axes = sorted(int(axis) for axis in g.random.permutation(len(shape))[:int(g.random.integers(1, 3))])
    keeps = bool(g.random.integers(2))
    target = [1 if k in axes else n for k, n in enumerate(shape) if keeps or k not in axes]
    op = str(g.random.choice(["ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2"]))
    g.node(op, [x], [target], axes=axes, keepdims=int(keeps))


def product(g):
    x = g.pick()
    shape = g.shapes[x]
    if len(shape) < 2 or 0 in shape:
        return
    width = int(g.random.integers(1, 6))
    g.node("MatMul", [x, g.floats(shape[-1], width)], [shape[:-1] + (width,)])


def convolution(g):
    x = g.pick(4)
    if x is None or 0 in g.shapes[x]:
        return
    n, channels, height, width = g.shapes[x]
    kernel = [int(k) for k in g.random.choice([1, 2, 3], 2)]
    stride = [int(s) for s in g.random.choice([1, 1, 2], 2)]
    pads = [int(p) for p in g.random.integers(0, 2, 4)]
    target = [(m + pads[k] + pads[k + 2] - kernel[k]) // stride[k] + 1 for k, m in enumerate((height, width))]
    if min(target) < 1 or height + pads[0] + pads[2] < kernel[0] or width + pads[1] + pads[3] < kernel[1]:
        return
    kind = g.random.random()
    if kind < .3 and not any(pads):
        g.node(str(g.random.choice(["MaxPool", "AveragePool"])), [x], [[n, channels] + target], kernel_shape=kernel,
               strides=stride)
    else:
        depthwise = kind < .5
        maps = channels if depthwise else int(g.random.integers(1, 9))
        weights = g.floats(maps, 1 if depthwise else channels, *kernel)
        inputs = [x, weights] + ([g.floats(maps)] if g.random.random() < .5 else [])
        g.node("Conv", inputs, [[n, maps] + target], kernel_shape=kernel, strides=stride, pads=pads,
               group=channels if depthwise else 1)


def largest(g):
    x = g.pick()
    shape = list(g.shapes[x])
    if not shape or 0 in shape:
        return
    axis = int(g.random.integers(len(shape)))
    k = shape[axis] = int(g.random.integers(1, shape[axis] + 1))
    from onnx import helper
    value, place = f"v{len(g.shapes)}", f"h{len(g.nodes)}"
    g.nodes.append(helper.make_node("TopK", [x, g.integers([k])], [value, place], axis=axis,
                                    largest=int(g.random.integers(2))))
    g.used.add(x)
    g.shapes[value] = tuple(shape)


OPERATORS = [unary, unary, binary, binary, binary, clip, where, transpose, transpose, reshape, computed_reshape, cut, cut,
             squeeze, concat, concat, split, expand, tile, pad, gather, gather_elements, softmax, reduction, product,
             convolution, convolution, largest]


def graph(seed, number):
    """(model, inputs) of a case."""
    from onnx import TensorProto, helper
    random = np.random.default_rng([seed, number])
    g = Maker(random)
    g.start()
    wanted = int(random.integers(2, 14))
    for _ in range(10 * wanted):
        if len(g.nodes) >= wanted:
            break
        kept = (list(g.nodes), list(g.constants), dict(g.shapes), set(g.used))
        OPERATORS[int(random.integers(len(OPERATORS)))](g)
        if any(np.prod(shape) > LIMIT or len(shape) > 6 for shape in g.shapes.values()):
            g.nodes, g.constants, g.shapes, g.used = kept
    made = [name for name in g.shapes if name not in g.inputs]
    ends = [name for name in made if name not in g.used] or made[-1:]
    if made and random.random() < .3:
        ends = sorted(set(ends) | {str(random.choice(made))})
    describe = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, list(g.shapes[name]))
    model = helper.make_model(
        helper.make_graph(g.nodes, f"case{number}", [describe(name) for name in g.inputs],
                          [describe(name) for name in ends], g.constants),
        opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    return model, {name: random.standard_normal(shape).astype(np.float32) for name, shape in g.inputs.items()}


def check(job):
    """(number, "passed" | "failed" | "left out", why)"""
    seed, number, lowrank, failures = job
    import onnx, onnxruntime
    onnxruntime.set_default_logger_severity(4)
    model, inputs = graph(seed, number)
    if not model.graph.output:
        return number, "left out", "no node"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        answers = session.run(None, inputs)
    except Exception as error:
        return number, "left out", str(error).splitlines()[0]
    folder = tempfile.mkdtemp(prefix="graph-")
    try:
        why = compare(model, inputs, answers, lowrank, folder)
        if why and failures:
            shutil.copytree(folder, os.path.join(failures, str(number)), dirs_exist_ok=True)
        return number, "failed" if why else "passed", why
    finally:
        shutil.rmtree(folder)


def compare(model, inputs, answers, lowrank, folder):
    import onnx
    onnx.save(model, os.path.join(folder, "model.onnx"))
    command = [lowrank, "run", os.path.join(folder, "model.onnx"), "-o", os.path.join(folder, "out")]
    for name, array in inputs.items():
        np.save(os.path.join(folder, name + ".npy"), array)
        command += ["-i", f"{name}={os.path.join(folder, name)}.npy"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"no end after {SECONDS} s"
    if done.returncode != 0:
        return f"ended with {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1]}"
    for info, answer in zip(model.graph.output, answers):
        given = np.load(os.path.join(folder, "out", info.name + ".npy"))
        if given.shape != answer.shape:
            return f"{info.name} is of shape {given.shape}, not {answer.shape}"
        largest = np.max(np.abs(answer[np.isfinite(answer)]), initial=0)
        if not np.allclose(given, answer, rtol=0, atol=1e-4 * max(largest, 1e-30), equal_nan=True):
            return f"{info.name} is off by {np.nanmax(np.abs(given - answer))}, the largest being {largest}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="this case alone")
    parser.add_argument("--lowrank", default=os.environ.get("LOWRANK", os.path.join(ROOT, ".build/release/lowrank")))
    parser.add_argument("--failures", help="where failing cases are kept")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    numbers = range(arguments.count) if arguments.case is None else [arguments.case]
    jobs = [(arguments.seed, number, os.path.abspath(arguments.lowrank), arguments.failures) for number in numbers]
    counts = {"passed": 0, "failed": 0, "left out": 0}
    with multiprocessing.Pool(arguments.jobs) as pool:
        for number, outcome, why in pool.imap(check, jobs, chunksize=8):
            counts[outcome] += 1
            if outcome == "failed" or arguments.case is not None:
                print(f"{outcome} case {number}: {why}", flush=True)
    print(f"{len(jobs)} graphs, seed {arguments.seed}: " + ", ".join(f"{n} {outcome}" for outcome, n in counts.items()))
    sys.exit(1 if counts["failed"] or counts["left out"] * 20 > len(jobs) and len(jobs) >= 20 else 0)


if __name__ == "__main__":
    main()
