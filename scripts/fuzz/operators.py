"""Operators that generated graphs are made of: extents of 0 and 1, broadcasting, views of views, concatenations and splits of
views, shapes computed by the graph itself, indices from behind, convolutions and pools between them."""
import numpy as np
from onnx import TensorProto, helper, numpy_helper

LIMIT, OPSET = 4096, 17
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
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def floats(self, *shape):
        return self.constant(self.random.standard_normal(shape).astype(np.float32))

    def integers(self, numbers):
        return self.constant(np.array(numbers, np.int64))

    def node(self, op, inputs, shapes, **attributes):
        names = [f"v{len(self.shapes) + place}" for place in range(len(shapes))]
        self.nodes.append(helper.make_node(op, inputs, names, **attributes))
        self.used.update(inputs)
        for name, shape in zip(names, shapes):
            self.shapes[name] = tuple(int(n) for n in shape)
        return names[0]

    def hidden(self, op, inputs, **attributes):
        """A node whose result is no value to go on from, such as a shape."""
        name = f"h{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        self.used.update(inputs)
        return name

    def attempt(self, operator):
        """Adds what an operator adds, unless that grows too large."""
        kept = (list(self.nodes), list(self.constants), dict(self.shapes), set(self.used))
        operator(self)
        if any(np.prod(shape) > LIMIT or len(shape) > 6 for shape in self.shapes.values()):
            self.nodes, self.constants, self.shapes, self.used = kept

    def ends(self):
        """The values that nothing takes, and now and then another: the outputs."""
        made = [name for name in self.shapes if name not in self.inputs]
        ends = [name for name in made if name not in self.used] or made[-1:]
        if made and self.random.random() < .3:
            ends = sorted(set(ends) | {str(self.random.choice(made))})
        return ends

    def model(self, name):
        """The graph as a model of fixed shapes."""
        def described(name):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(self.shapes[name]))

        graph = helper.make_graph(self.nodes, name, [described(name) for name in self.inputs],
                                  [described(name) for name in self.ends()], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)

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
    if not g.shapes[x]:
        return
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
    value, place = f"v{len(g.shapes)}", f"h{len(g.nodes)}"
    g.nodes.append(helper.make_node("TopK", [x, g.integers([k])], [value, place], axis=axis,
                                    largest=int(g.random.integers(2))))
    g.used.add(x)
    g.shapes[value] = tuple(shape)


OPERATORS = [unary, unary, binary, binary, binary, clip, where, transpose, transpose, reshape, computed_reshape, cut, cut,
             squeeze, concat, concat, split, expand, tile, pad, gather, gather_elements, softmax, reduction, product,
             convolution, convolution, largest]
