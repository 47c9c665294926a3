"""What a graph computes, in float64 by NumPy: the oracle of the scripts that generate graphs.

The operators are those of `onnx.reference`, which is NumPy, but for some that are written here from their definitions:
convolutions, which are sums over a kernel's taps; DequantizeLinear, which it lacks for older opsets; Slice, where starts from
beyond the first element are another thing than NumPy's; and Softsign, which it refuses for a single number.
"""
import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE)


def retyped(model, kind):
    """A copy of a model all of whose floats are of another type, such as TensorProto.DOUBLE."""
    copy = type(model)()
    copy.CopyFrom(model)
    for tensor in copy.graph.initializer:
        retype_tensor(tensor, kind)
    for info in [*copy.graph.input, *copy.graph.output, *copy.graph.value_info]:
        if info.type.tensor_type.elem_type in FLOATS:
            info.type.tensor_type.elem_type = kind
    for node in copy.graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                retype_tensor(attribute.t, kind)
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i in FLOATS:
                attribute.i = kind
    return copy


def retype_tensor(tensor, kind):
    if tensor.data_type in FLOATS:
        array = numpy_helper.to_array(tensor).astype(helper.tensor_dtype_to_np_dtype(kind))
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def answers(model, inputs):
    """The outputs of a model, computed in float64."""
    own = [Conv, ConvTranspose, DequantizeLinear, Slice, Softsign]
    evaluator = ReferenceEvaluator(retyped(model, TensorProto.DOUBLE), new_ops=own)
    widened = {name: array.astype(np.float64) if array.dtype.kind == "f" else array for name, array in inputs.items()}
    return evaluator.run(None, widened)


class Conv(OpRun):
    def _run(self, x, w, b=None, auto_pad=None, dilations=None, group=None, kernel_shape=None, pads=None, strides=None):
        axes = w.ndim - 2
        strides, dilations, group = strides or [1] * axes, dilations or [1] * axes, group or 1
        reach = [d * (k - 1) + 1 for d, k in zip(dilations, w.shape[2:])]
        pads = pads or [0] * 2 * axes
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            total = [max(0, (-(-n // s) - 1) * s + r - n) for n, s, r in zip(x.shape[2:], strides, reach)]
            less, more = [n // 2 for n in total], [n - n // 2 for n in total]
            pads = less + more if auto_pad == "SAME_UPPER" else more + less
        padded = np.pad(x, [(0, 0), (0, 0)] + list(zip(pads[:axes], pads[axes:])))
        extents = [(n - r) // s + 1 for n, r, s in zip(padded.shape[2:], reach, strides)]
        padded = padded.reshape(x.shape[0], group, -1, *padded.shape[2:])
        kernel = w.reshape(group, -1, *w.shape[1:])
        y = np.zeros((x.shape[0], group, kernel.shape[1], int(np.prod(extents))), x.dtype)
        for tap in np.ndindex(*w.shape[2:]):
            window = padded[(..., *places(tap, dilations, strides, extents))]
            y += kernel[(..., *tap)] @ window.reshape(*window.shape[:3], -1)
        return (with_bias(y.reshape(x.shape[0], -1, *extents), b),)


class ConvTranspose(OpRun):
    def _run(self, x, w, b=None, auto_pad=None, dilations=None, group=None, kernel_shape=None, output_padding=None,
             output_shape=None, pads=None, strides=None):
        axes = w.ndim - 2
        strides, dilations, group = strides or [1] * axes, dilations or [1] * axes, group or 1
        pads, added = pads or [0] * 2 * axes, output_padding or [0] * axes
        whole = [s * (n - 1) + d * (k - 1) + 1 + a
                 for s, n, d, k, a in zip(strides, x.shape[2:], dilations, w.shape[2:], added)]
        kernel = w.reshape(group, -1, *w.shape[1:])
        values = x.reshape(x.shape[0], group, kernel.shape[1], -1)
        y = np.zeros((x.shape[0], group, w.shape[1], *whole), x.dtype)
        for tap in np.ndindex(*w.shape[2:]):
            part = np.swapaxes(kernel[(..., *tap)], 1, 2) @ values
            y[(..., *places(tap, dilations, strides, x.shape[2:]))] += part.reshape(*part.shape[:3], *x.shape[2:])
        cropped = y[(..., *(slice(a, n - b) for a, b, n in zip(pads[:axes], pads[axes:], whole)))]
        return (with_bias(cropped.reshape(x.shape[0], -1, *cropped.shape[3:]), b),)


def places(tap, dilations, strides, extents):
    """Where a tap meets the map, one place for each of `extents` on the other side."""
    return [slice(d * k, d * k + s * (n - 1) + 1, s) for k, d, s, n in zip(tap, dilations, strides, extents)]


def with_bias(y, b):
    return y if b is None else y + b.reshape(-1, *[1] * (y.ndim - 2))


class DequantizeLinear(OpRun):
    def _run(self, x, scale, zero=None, axis=None, **_):
        shape = [1] * x.ndim
        if np.ndim(scale) == 1:
            shape[axis] = -1
        return ((x.astype(scale.dtype) - (0 if zero is None else zero.reshape(shape))) * scale.reshape(shape),)


class Slice(OpRun):
    def _run(self, x, starts, ends, axes=None, steps=None):
        axes = range(len(starts)) if axes is None else axes
        for axis, start, end, step in zip(axes, starts, ends, [1] * len(starts) if steps is None else steps):
            n = x.shape[axis]
            start, end = (int(place) + n * (place < 0) for place in (start, end))
            least, most = (0, n) if step > 0 else (-1, n - 1)
            start, end = min(max(start, 0), most), min(max(end, least), most)
            x = np.take(x, np.arange(start, end, int(step)), int(axis))
        return (x,)


class Softsign(OpRun):
    def _run(self, x):
        return (np.asarray(x / (1 + np.abs(x))),)


# Agreement

def difference(given, answer):
    """How far an output is from another: the largest difference of elements over the largest element, infinite for other
    shapes, and for other integers."""
    given, answer = np.asarray(given), np.asarray(answer)
    if given.shape != answer.shape:
        return np.inf
    if answer.dtype.kind != "f":
        return 0.0 if np.array_equal(given, answer) else np.inf
    given, answer = given.astype(np.float64), answer.astype(np.float64)
    finite = np.isfinite(answer)
    if not np.array_equal(given[~finite], answer[~finite], equal_nan=True) or not np.all(np.isfinite(given[finite])):
        return np.inf
    largest = np.max(np.abs(answer[finite]), initial=1e-30)
    return float(np.max(np.abs(given[finite] - answer[finite]), initial=0) / largest)


def largest_difference(given, answers):
    return max((difference(a, b) for a, b in zip(given, answers, strict=True)), default=0.0)


def swing(model, inputs, random):
    """How far outputs move, in float64, where what nodes read changes in the last place of a float32: the most of four draws.

    What this does to a graph, such as one that takes the difference of almost equal numbers, rounding may do as well."""
    exact = answers(model, inputs)
    return max(largest_difference(answers(nudged(model, random), inputs), exact) for _ in range(4))


def nudged(model, random):
    """A model in float64 whose nodes read each number changed by 1e-7 of itself, up or down."""
    moved = retyped(model, TensorProto.DOUBLE)
    inferred = shape_inference.infer_shapes(moved).graph
    shapes = {info.name: [axis.dim_value for axis in info.type.tensor_type.shape.dim]
              for info in [*inferred.input, *inferred.output, *inferred.value_info]
              if info.type.tensor_type.elem_type == TensorProto.DOUBLE}
    shapes |= {tensor.name: list(tensor.dims) for tensor in moved.graph.initializer if tensor.data_type == TensorProto.DOUBLE}
    nodes = []
    for place, node in enumerate(moved.graph.node):
        for side, name in enumerate(node.input):
            if name in shapes:
                factor, read = f"nudged{place}/{side}/factor", f"nudged{place}/{side}"
                numbers = np.asarray(1 + 1e-7 * random.choice([-1, 1], shapes[name]))
                moved.graph.initializer.append(numpy_helper.from_array(numbers, factor))
                nodes.append(helper.make_node("Mul", [name, factor], [read]))
                node.input[side] = read
        nodes.append(node)
    del moved.graph.node[:]
    moved.graph.node.extend(nodes)
    return moved
