"""Generated graphs with layers that can be factored: convolutions along one to three axes, transposed and grouped ones, and
matrices, whose weights are stored and shared in all ways that files know, between operators of operators.py."""
import families
import operators
import numpy as np
from onnx import TensorProto, helper, numpy_helper

MOST_WEIGHTS = 6000
BETWEEN = [operators.unary, operators.unary, operators.binary, operators.binary, operators.concat,
           operators.pad, operators.transpose, operators.cut, operators.reduction, operators.split]


class LayerMaker(operators.Maker):
    def __init__(self, random):
        super().__init__(random)
        # Weights by name as (operator, array), extra outputs, and constants that callers may override.
        self.weights, self.weight_outputs, self.overridable = {}, [], []
        self.named = bool(random.random() < .8)

    def start(self):
        axes = int(self.random.choice([0, 1, 2, 3], p=[.15, .2, .5, .15]))
        most = (1, 20, 9, 5)[axes]
        batch = int(self.random.choice([1, 2], p=[.8, .2]))
        extents = [int(n) for n in self.random.integers(max(1, most // 3), most + 1, axes)]
        shape = (batch, channels(self.random), *extents) if axes else (int(self.random.integers(1, 5)), channels(self.random))
        for place in range(int(self.random.choice([1, 2], p=[.85, .15]))):
            self.inputs[f"x{place}"] = self.shapes[f"x{place}"] = shape

    def chance(self, part):
        return bool(self.random.random() < part)

    def layer(self, op, inputs, shape, **attributes):
        made = self.node(op, inputs, [shape], **attributes)
        if self.named:
            self.nodes[-1].name = f"layer{len(self.nodes)}"
        return made

    def bias(self, count):
        """No bias, a constant one, a Constant node's, or one that a node computes."""
        kind = self.random.random()
        if kind < .3:
            return []
        values = self.random.standard_normal(count).astype(np.float32)
        if kind < .8:
            return [self.constant(values)]
        if kind < .98:
            return [self.hidden("Constant", [], value=numpy_helper.from_array(values))]
        return [self.hidden("Neg", [self.constant(values)])]

    def weight(self, op, stored, kernel):
        """The name of a weight that is stored in one of the ways of files; `stored` makes of a kernel [T, S, ...] what
        the node takes, whose axis of outputs is 0 or 1."""
        array = np.ascontiguousarray(stored(kernel), np.float32)
        alike = [name for name, (other, weight) in self.weights.items() if weight.shape == array.shape and
                 (other == op or "Conv" not in other + op)]
        if alike and self.chance(.5):
            return str(self.random.choice(alike))
        kind = self.random.random()
        if kind < .6:
            name = self.constant(array)
        elif kind < .7:
            name = self.hidden("Constant", [], value=numpy_helper.from_array(array))
        elif kind < .72:
            name = self.hidden("Identity", [self.constant(array)])
        elif kind < .82:
            name = self.hidden("Cast", [self.constant(array.astype(np.float16))], to=TensorProto.FLOAT)
        elif kind < .88:
            axis = int(stored(np.zeros([2, 3] + [1] * (kernel.ndim - 2))).shape[0] != 2)
            name = self.quantised(array, axis)
        else:
            name = self.constant(array)
            (self.overridable if kind < .94 else self.weight_outputs).append((name, array.shape))
        self.weights[name] = (op, array)
        return name

    def quantised(self, array, axis):
        others = tuple(k for k in range(array.ndim) if k != axis)
        scales = np.abs(array).max(others).astype(np.float32) / 127
        scales[scales < 1e-30] = 1
        shape = [-1 if k == axis else 1 for k in range(array.ndim)]
        numbers = np.clip(np.rint(array / scales.reshape(shape)), -127, 127).astype(np.int8)
        return self.hidden("DequantizeLinear", [self.constant(numbers), self.constant(scales)], axis=axis)

    def model(self, name):
        model = super().model(name)
        graph = model.graph
        for constant, shape in self.overridable:
            graph.input.append(helper.make_tensor_value_info(constant, TensorProto.FLOAT, list(shape)))
        for constant, shape in self.weight_outputs:
            graph.output.append(helper.make_tensor_value_info(constant, TensorProto.FLOAT, list(shape)))
        helper.set_model_props(model, {"made by": "layers.py"})
        graph.doc_string = "generated"
        return model


def channels(random):
    return int(random.choice([1, 2, 3, random.integers(4, 13), random.integers(13, 33)], p=[.04, .06, .1, .5, .3]))


def kernel(random, shape):
    """Of a family of kernels, at a magnitude that keeps maps near 1."""
    family = families.FAMILIES[int(random.integers(len(families.FAMILIES)))]
    values = family(shape, random)
    if random.random() < .5:
        values = families.deficient(shape, random) + 1e-2 * random.standard_normal(shape)
    norm = np.linalg.norm(values)
    return values * (np.sqrt(shape[0]) / norm if norm > 0 else 0)


# Layers: each adds a node with its weight, or does nothing where there is no value that it can take.

def convolution(g):
    random = g.random
    found = [name for name, shape in g.shapes.items() if 3 <= len(shape) <= 5 and 0 not in shape]
    if not found:
        return
    x = found[-1 - min(len(found) - 1, int(random.geometric(.6)) - 1)]
    n, s, *extents = g.shapes[x]
    axes = len(extents)
    t, taps = channels(random), [int(k) for k in random.choice([1, 2, 3, 4], axes, p=[.25, .15, .5, .1])]
    if g.chance(.15):
        taps = [1] * axes
    groups = int(random.choice([d for d in range(1, s + 1) if s % d == 0])) if g.chance(.2) else 1
    t = max(1, t // groups) * groups
    if t * s // groups * np.prod(taps) > MOST_WEIGHTS:
        return
    strides = [int(k) for k in random.choice([1, 2, 3], axes, p=[.7, .2, .1])]
    dilations = [int(k) for k in random.choice([1, 2], axes, p=[.85, .15])]
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, taps)]
    # Files leave out what is 1 or 0, or name it.
    settings = {"kernel_shape": taps, "strides": strides, "dilations": dilations, "group": groups}
    for name, neutral in (("kernel_shape", taps), ("strides", [1] * axes), ("dilations", [1] * axes), ("group", 1)):
        if settings[name] == neutral and g.chance(.3):
            del settings[name]
    if g.chance(.2):
        transposed(g, x, kernel(random, (t, s // groups, *taps)), settings)
        return
    kinds = ["none", "symmetric", "any", "SAME_UPPER", "SAME_LOWER", "VALID"]
    padding = str(random.choice(kinds, p=[.2, .3, .3, .08, .07, .05]))
    pads = [0] * 2 * axes
    if padding == "symmetric":
        pads = [r // 2 for r in reach] * 2
    elif padding == "any":
        pads = [int(p) for p in random.integers(0, 3, 2 * axes)]
    if padding.isupper():
        settings["auto_pad"] = padding
    elif any(pads) or g.chance(.5):
        settings["pads"] = pads
    if padding.startswith("SAME"):
        outputs = [-(-m // step) for m, step in zip(extents, strides)]
    else:
        outputs = [(m + pads[k] + pads[axes + k] - reach[k]) // strides[k] + 1 for k, m in enumerate(extents)]
    if min(outputs) < 1:
        return
    weight = g.weight("Conv", lambda k: k, kernel(random, (t, s // groups, *taps)))
    made = g.layer("Conv", [x, weight] + g.bias(t), (n, t, *outputs), **settings)
    normalization(g, made, t)


def transposed(g, x, values, settings):
    random, (n, s, *extents) = g.random, g.shapes[x]
    groups, axes = settings.get("group", 1), len(extents)
    t, taps = values.shape[0], values.shape[2:]
    strides, dilations = settings.get("strides", [1] * axes), settings.get("dilations", [1] * axes)
    added = [int(random.integers(0, step)) if g.chance(.3) else 0 for step in strides]
    pads = [int(p) for p in random.integers(0, 2, 2 * axes)]
    if any(added) or g.chance(.2):
        settings["output_padding"] = added
    if any(pads) or g.chance(.5):
        settings["pads"] = pads
    outputs = [step * (m - 1) + added[k] + dilations[k] * (taps[k] - 1) + 1 - pads[k] - pads[axes + k]
               for k, (m, step) in enumerate(zip(extents, strides))]
    if min(outputs) < 1:
        return

    def stored(kernel):
        # [T, S / groups, ...] as [S, T / groups, ...].
        blocks = kernel.reshape(groups if kernel is values else 1, -1, *kernel.shape[1:])
        return np.concatenate([np.swapaxes(block, 0, 1) for block in blocks])

    weight = g.weight("ConvTranspose", stored, values)
    made = g.layer("ConvTranspose", [x, weight] + g.bias(t), (n, t, *outputs), **settings)
    normalization(g, made, t)


def normalization(g, x, count):
    if not g.chance(.35):
        return
    random = g.random
    scale = random.standard_normal(count) * (random.random(count) > .05)
    vectors = [scale, random.standard_normal(count), random.standard_normal(count), random.uniform(.1, 2, count)]
    names = [g.constant(vector.astype(np.float32)) for vector in vectors]
    g.node("BatchNormalization", [x] + names, [g.shapes[x]], **({"epsilon": 1e-3} if g.chance(.5) else {}))


def gemm(g):
    random = g.random
    x = flat(g)
    if x is None:
        return
    transposes = g.chance(.2)
    rows, s = g.shapes[x][::-1] if transposes else g.shapes[x]
    t = channels(random)
    if t * s > MOST_WEIGHTS:
        return
    settings = {"transA": 1} if transposes else {}
    flipped = g.chance(.6)
    if flipped:
        settings["transB"] = 1
    if g.chance(.25):
        settings["alpha"] = float(random.choice([.5, 2, -1]))
    if g.chance(.25):
        settings["beta"] = float(random.choice([.5, 2, 0]))
    weight = g.weight("Gemm", (lambda k: k) if flipped else (lambda k: k.T), kernel(random, (t, s)))
    offset = []
    if g.chance(.7):
        shapes = [(t,), (1, t), (rows, t), (rows, 1), (1,), ()]
        offset = [g.floats(*shapes[int(random.integers(len(shapes)))])]
    g.layer("Gemm", [x, weight] + offset, (rows, t), **settings)


def flat(g):
    """A matrix among the values: the newest, or a map made flat."""
    x = g.pick()
    if 0 in g.shapes[x] or not g.shapes[x]:
        return None
    if len(g.shapes[x]) == 2:
        return x
    axis = int(g.random.integers(1, len(g.shapes[x]) + 1))
    shape = int(np.prod(g.shapes[x][:axis])), int(np.prod(g.shapes[x][axis:]))
    return g.node("Flatten", [x], [shape], axis=axis)


def product(g):
    x = g.pick()
    shape = g.shapes[x]
    if len(shape) < 2 or 0 in shape:
        return
    left = g.chance(.3)
    s, t = shape[-2 if left else -1], channels(g.random)
    if t * s > MOST_WEIGHTS:
        return
    weight = g.weight("MatMul", (lambda k: k) if left else (lambda k: k.T), kernel(g.random, (t, s)))
    made = shape[:-2] + (t, shape[-1]) if left else shape[:-1] + (t,)
    g.layer("MatMul", [weight, x] if left else [x, weight], made)


LAYERS = [convolution, convolution, convolution, convolution, gemm, product]


def graph(seed, number):
    """(model, inputs) of a case; the model is None where no layer could be placed."""
    random = np.random.default_rng([seed, number])
    g = LayerMaker(random)
    g.start()
    wanted, layers = int(random.integers(1, 5)), 0
    for _ in range(10 * wanted):
        if layers >= wanted:
            break
        count, weights = len(g.nodes), (dict(g.weights), list(g.overridable), list(g.weight_outputs))
        g.attempt(LAYERS[int(random.integers(len(LAYERS)))])
        if len(g.nodes) == count:
            g.weights, g.overridable, g.weight_outputs = weights
            continue
        layers += 1
        for _ in range(int(random.integers(0, 3))):
            g.attempt(BETWEEN[int(random.integers(len(BETWEEN)))])
    inputs = {name: random.standard_normal(shape).astype(np.float32) for name, shape in g.inputs.items()}
    return g.model(f"case{number}") if layers else None, inputs
