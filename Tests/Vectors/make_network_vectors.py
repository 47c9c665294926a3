"""Writes Tests/Vectors/network: operators of networks with ONNX Runtime's answers.

Each file is a model whose inputs and outputs lie beside it as constants that no node uses: `given:NAME`, `expected:NAME`.

    python Tests/Vectors/make_network_vectors.py        (onnx, onnxruntime, numpy; VERSIONS.txt says which)
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent / "network"
random = np.random.default_rng(14)


def floats(*shape, low=-1.0, high=1.0):
    return random.uniform(low, high, shape).astype(np.float32)


def write(name, nodes, inputs, constants=None, opset=17, outputs=("y",), types=None):
    """Runs the nodes in ONNX Runtime and writes the model with its answers."""
    if isinstance(nodes, onnx.NodeProto):
        nodes = [nodes]
    infos = [
        helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in inputs.items()
    ]
    results = [helper.make_tensor_value_info(o, (types or {}).get(o, TensorProto.FLOAT), None) for o in outputs]
    weights = [numpy_helper.from_array(v, k) for k, v in (constants or {}).items()]
    graph = helper.make_graph(nodes, name, infos, results, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8 if opset <= 19 else 10
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        answers = session.run(list(outputs), inputs)
    except Exception as error:  # such as a setting that ONNX Runtime lacks
        print(f"left out {name}: {str(error).splitlines()[0][:200]}", file=sys.stderr)
        return
    for label, values in (("given", inputs), ("expected", dict(zip(outputs, answers)))):
        for key, value in values.items():
            model.graph.initializer.append(numpy_helper.from_array(np.array(value, order="C"), f"{label}:{key}"))
    onnx.save(model, FOLDER / f"{name}.onnx")


def node(kind, inputs, outputs=("y",), **settings):
    return helper.make_node(kind, list(inputs), list(outputs), **settings)


def pooled(kind, inputs, outputs=("y",), **settings):
    """The node behind a pool that makes its first input lie channel-last."""
    return [node("MaxPool", ["x"], ["m"], kernel_shape=[1, 1]), node(kind, ["m", *inputs], outputs, **settings)]


def resizing():
    x = floats(1, 3, 5, 7)
    for mode in ("nearest", "linear", "cubic"):
        for how in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"):
            for label, scales in (("up", [1, 1, 2, 2]), ("odd", [1, 1, 1.7, 0.65])):
                settings = dict(mode=mode, coordinate_transformation_mode=how)
                if mode == "nearest":
                    settings["nearest_mode"] = {"up": "floor", "odd": "round_prefer_floor"}[label]
                write(f"resize-{mode}-{how}-{label}", pooled("Resize", ["", "s"], **settings), {"x": x},
                      {"s": np.array(scales, np.float32)}, opset=19)
    for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        write(f"resize-rounding-{rounding}", node("Resize", ["x", "", "s"], mode="nearest", nearest_mode=rounding),
              {"x": x}, {"s": np.array([1, 1, 0.5, 2.5], np.float32)}, opset=13)
    for mode in ("nearest", "linear", "cubic"):
        write(f"resize-crop-{mode}", pooled("Resize", ["roi", "", "sizes"], mode=mode, extrapolation_value=10.0,
                                            coordinate_transformation_mode="tf_crop_and_resize"),
              {"x": x}, {"roi": np.array([0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7], np.float32),
                         "sizes": np.array([1, 3, 4, 6])}, opset=13)
    for mode in ("linear", "cubic"):
        for outside in (0, 1):
            write(f"resize-antialias-{mode}-{outside}",
                  pooled("Resize", ["", "s"], mode=mode, antialias=1, exclude_outside=outside), {"x": floats(1, 3, 12, 9)},
                  {"s": np.array([1, 1, 0.4, 0.6], np.float32)}, opset=18)
    write("resize-cubic-outside", pooled("Resize", ["", "s"], mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5),
          {"x": x}, {"s": np.array([1, 1, 1.5, 0.8], np.float32)}, opset=13)
    for policy in ("not_larger", "not_smaller"):
        write(f"resize-{policy}", node("Resize", ["x", "", "", "sizes"], mode="nearest", axes=[2, 3],
                                       keep_aspect_ratio_policy=policy), {"x": x}, {"sizes": np.array([9, 11])}, opset=18)
    write("resize-trilinear", node("Resize", ["x", "", "s"], mode="linear"), {"x": floats(1, 2, 3, 4, 5)},
          {"s": np.array([1, 1, 2, 1.5, 2], np.float32)}, opset=13)
    write("resize-integers", node("Resize", ["x", "", "s"], mode="nearest"),
          {"x": random.integers(0, 99, (1, 2, 3, 4)).astype(np.int32)}, {"s": np.array([1, 1, 2, 3], np.float32)},
          opset=13, types={"y": TensorProto.INT32})
    write("resize-10", node("Resize", ["x", "s"], mode="nearest"), {"x": x}, {"s": np.array([1, 1, 0.6, 2.3], np.float32)},
          opset=10)
    write("upsample-9", node("Upsample", ["x", "s"], mode="linear"), {"x": x}, {"s": np.array([1, 1, 2, 3], np.float32)},
          opset=9)
    write("upsample-7", node("Upsample", ["x"], mode="nearest", scales=[1.0, 1.0, 2.0, 3.0]), {"x": x}, opset=7)
    write("resize-large", pooled("Resize", ["", "s"], mode="linear"), {"x": floats(1, 37, 17, 19)},
          {"s": np.array([1, 1, 2, 2], np.float32)})


def transposed_convolutions():
    def case(name, x, w, bias=True, **settings):
        constants = {"w": w}
        inputs = ["w"]
        if bias:
            constants["b"] = floats(w.shape[1] * settings.get("group", 1))
            inputs.append("b")
        write(f"conv-transpose-{name}", node("ConvTranspose", ["x", *inputs], **settings), {"x": x}, constants)

    case("2x2-stride-2", floats(2, 6, 5, 4), floats(6, 8, 2, 2), strides=[2, 2])
    case("2x2-one-channel", floats(1, 6, 5, 4), floats(6, 1, 2, 2), strides=[2, 2])
    case("4x4-pad-1", floats(1, 5, 6, 7), floats(5, 3, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1])
    case("4x4-pad-3", floats(1, 5, 6, 7), floats(5, 3, 4, 4), strides=[2, 2], pads=[3, 3, 3, 3])
    case("3x3-output-padding", floats(1, 4, 5, 6), floats(4, 7, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1],
         output_padding=[1, 1])
    case("depthwise", floats(1, 9, 5, 6), floats(9, 1, 4, 4), strides=[2, 2], pads=[1, 1, 1, 1], group=9)
    case("groups", floats(1, 6, 5, 6), floats(6, 4, 3, 3), strides=[2, 1], pads=[1, 0, 1, 1], group=3)
    case("dilated", floats(1, 3, 6, 5), floats(3, 4, 3, 3), strides=[2, 3], dilations=[2, 2], bias=False)
    case("uneven", floats(1, 3, 6, 5), floats(3, 4, 5, 2), strides=[3, 2], pads=[2, 0, 1, 1])
    case("kernel-under-stride", floats(1, 3, 4, 5), floats(3, 4, 2, 2), strides=[3, 4])
    case("1-d", floats(2, 4, 9), floats(4, 5, 3), strides=[2])
    case("3-d", floats(1, 3, 3, 4, 2), floats(3, 2, 3, 2, 3), strides=[2, 1, 2], pads=[1, 0, 1, 0, 0, 1])
    case("output-shape", floats(1, 3, 4, 5), floats(3, 2, 3, 3), strides=[3, 2], output_shape=[10, 8])
    case("same-upper", floats(1, 3, 4, 5), floats(3, 2, 3, 3), strides=[2, 2], auto_pad="SAME_UPPER")
    case("same-lower", floats(1, 3, 4, 5), floats(3, 2, 3, 3), strides=[2, 2], auto_pad="SAME_LOWER")
    case("large", floats(1, 24, 20, 21), floats(24, 24, 2, 2), strides=[2, 2])
    write("conv-transpose-activation", [node("ConvTranspose", ["x", "w"], ["c"], strides=[2, 2]), node("Relu", ["c"]),
          ], {"x": floats(1, 6, 5, 4)}, {"w": floats(6, 8, 3, 2)})


def reductions():
    x, cube = floats(2, 5, 4, 3), floats(1, 33, 35, 36)
    for kind in ("Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"):
        data = np.abs(x) if kind == "LogSum" else x
        for label, axes in (("spatial", [2, 3]), ("channels", [1]), ("mixed", [0, 2])):
            write(f"reduce-{kind}-{label}", [node("MaxPool", ["x"], ["m"], kernel_shape=[1, 1]),
                                             node("Reduce" + kind, ["m", "axes"])], {"x": data},
                  {"axes": np.array(axes)}, opset=18)
        write(f"reduce-{kind}-all", node("Reduce" + kind, ["x"], keepdims=0), {"x": data}, opset=13)
    for kind in ("Mean", "Sum", "Max", "Min", "Prod"):
        write(f"reduce-{kind}-integers", node("Reduce" + kind, ["x", "axes"], keepdims=0),
              {"x": random.integers(-9, 9, (3, 4, 5)).astype(np.int32)}, {"axes": np.array([1])}, opset=18,
              types={"y": TensorProto.INT32})
    write("reduce-attribute", node("ReduceMean", ["x"], axes=[-1, 1], keepdims=0), {"x": x}, opset=11)
    write("reduce-nothing", node("ReduceSum", ["x", "axes"], noop_with_empty_axes=1), {"x": x},
          {"axes": np.array([], np.int64)}, opset=13)
    write("reduce-large", [node("MaxPool", ["x"], ["m"], kernel_shape=[1, 1]),
                           node("ReduceMean", ["m"], axes=[2, 3])], {"x": cube}, opset=13)
    write("reduce-huge-exponents", node("ReduceLogSumExp", ["x"], axes=[1]), {"x": floats(3, 7) * 300}, opset=13)
    infinite = floats(2, 3)
    infinite[0] = -np.inf
    infinite[1, 1] = np.inf
    write("reduce-infinite-exponents", node("ReduceLogSumExp", ["x"], axes=[1]), {"x": infinite}, opset=13)


def normalizations():
    for name, x in (("4-d", floats(2, 6, 4, 5)), ("2-d", floats(3, 6)), ("3-d", floats(2, 6, 7))):
        statistics = {"s": floats(6), "b": floats(6), "m": floats(6), "v": floats(6, low=0.1)}
        write(f"batch-normalization-{name}", node("BatchNormalization", ["x", "s", "b", "m", "v"], epsilon=1e-3), {"x": x},
              statistics, opset=15)
        write(f"batch-normalization-{name}-given", node("BatchNormalization", ["x", "s", "b", "m", "v"]),
              {"x": x, **statistics}, opset=9)
    write("batch-normalization-maps", pooled("BatchNormalization", ["s", "b", "mean", "v"]), {"x": floats(1, 6, 40, 150)},
          {"s": floats(6), "b": floats(6), "mean": floats(6), "v": floats(6, low=0.1)})

    x = floats(2, 6, 5, 4) + 3
    write("instance-normalization", pooled("InstanceNormalization", ["s", "b"]), {"x": x}, {"s": floats(6), "b": floats(6)})
    write("instance-normalization-rows", node("InstanceNormalization", ["x", "s", "b"]), {"x": floats(2, 3, 9)},
          {"s": floats(3), "b": floats(3)})
    for axis in (-1, 1, 2):
        shape = x.shape[axis:] if axis > 0 else x.shape[-1:]
        write(f"layer-normalization-{axis}", node("LayerNormalization", ["x", "s", "b"], axis=axis), {"x": x},
              {"s": floats(*shape), "b": floats(*shape)})
    write("layer-normalization-outputs", node("LayerNormalization", ["x", "s"], ["y", "m", "d"]), {"x": x},
          {"s": floats(4)}, outputs=("y", "m", "d"))
    for opset, count in ((18, 3), (21, 6)):
        write(f"group-normalization-{opset}", pooled("GroupNormalization", ["s", "b"], num_groups=3), {"x": x},
              {"s": floats(count), "b": floats(count)}, opset=opset)
    write("rms-normalization", node("RMSNormalization", ["x", "s"], axis=-2), {"x": x}, {"s": floats(5, 4)}, opset=23)
    write("mean-variance-normalization", pooled("MeanVarianceNormalization", []), {"x": x}, opset=13)
    zeros = floats(2, 5, 3)
    zeros[:, :, 1] = 0
    for p in (1, 2):
        write(f"lp-normalization-{p}", node("LpNormalization", ["x"], p=p, axis=1), {"x": zeros})
    for size in (3, 4):
        write(f"lrn-{size}", pooled("LRN", [], size=size, alpha=0.1, beta=0.75, bias=1.5), {"x": x})
    write("lrn-power", node("LRN", ["x"], size=5, alpha=0.2, beta=0.6), {"x": x})


def scans():
    x = np.round(floats(2, 5, 4, 3) * 3)
    for kind in ("ArgMax", "ArgMin"):
        for axis in (1, -1):
            for last in (0, 1):
                write(f"{kind.lower()}-{axis}-{last}", pooled(kind, [], axis=axis, select_last_index=last,
                      keepdims=last), {"x": x}, opset=13, types={"y": TensorProto.INT64})
    write("argmax-integers", node("ArgMax", ["x"], axis=0), {"x": random.integers(-9, 9, (4, 5)).astype(np.int32)},
          opset=13, types={"y": TensorProto.INT64})
    for exclusive in (0, 1):
        for reverse in (0, 1):
            write(f"cumsum-{exclusive}-{reverse}", node("CumSum", ["x", "a"], exclusive=exclusive, reverse=reverse),
                  {"x": floats(3, 4, 5)}, {"a": np.array(1)}, opset=14)
    write("cumsum-integers", node("CumSum", ["x", "a"]), {"x": random.integers(-9, 9, (4, 5))},
          {"a": np.array(-1)}, opset=14, types={"y": TensorProto.INT64})
    write("hardmax-13", node("Hardmax", ["x"], axis=1), {"x": x}, opset=13)
    write("hardmax-11", node("Hardmax", ["x"], axis=2), {"x": x}, opset=11)
    for mode in ("DCR", "CRD"):
        write(f"depth-to-space-{mode}", node("DepthToSpace", ["x"], blocksize=2, mode=mode), {"x": floats(2, 12, 3, 5)},
              opset=13)
        write(f"depth-to-space-maps-{mode}", pooled("DepthToSpace", [], blocksize=2, mode=mode),
              {"x": floats(2, 12, 3, 5)}, opset=13)
    write("space-to-depth", pooled("SpaceToDepth", [], blocksize=3), {"x": floats(2, 4, 6, 9)}, opset=13)


def recurrent():
    steps, rows, size, hidden = 5, 3, 7, 6
    for kind, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for direction in ("forward", "reverse", "bidirectional"):
            d = 2 if direction == "bidirectional" else 1
            for label in ("constant", "all", "before-reset"):
                if label == "before-reset" and kind != "GRU":
                    continue
                x = {"x": floats(steps, rows, size)}
                w = {"w": floats(d, gates * hidden, size), "r": floats(d, gates * hidden, hidden),
                     "b": floats(d, 2 * gates * hidden)}
                settings = dict(hidden_size=hidden, direction=direction)
                names, outputs = ["x", "w", "r", "b"], ["y", "h"]
                if label == "before-reset":
                    settings["linear_before_reset"] = 1
                if label == "all":
                    names += ["lengths", "h0"]
                    x |= w | {"lengths": np.array([5, 2, 4], np.int32), "h0": floats(d, rows, hidden)}
                    w = {}
                if kind == "LSTM":
                    outputs.append("c")
                    if label == "all":
                        names += ["c0", "p"]
                        x |= {"c0": floats(d, rows, hidden), "p": floats(d, 3 * hidden)}
                write(f"{kind.lower()}-{direction}-{label}", node(kind, names, outputs, **settings), x, w, opset=14,
                      outputs=outputs)
    for functions, numbers in ((["HardSigmoid", "Softsign", "Relu"], {}), (["Sigmoid", "ScaledTanh", "Affine"],
                               dict(activation_alpha=[0.8, 1.2], activation_beta=[0.9, 0.1]))):
        write(f"lstm-{functions[1].lower()}", node("LSTM", ["x", "w", "r"], hidden_size=20, activations=functions,
              clip=0.8, **numbers), {"x": floats(4, 2, 5)}, {"w": floats(1, 80, 5), "r": floats(1, 80, 20)}, opset=14)


def sums_of_products():
    a, b, c = floats(2, 3, 4), floats(2, 4, 5), floats(5, 3)
    for number, (equation, values) in enumerate((
            ("bij,bjk->bik", (a, b)), ("...ij,...jk->...ik", (a, b)), ("bij->bji", (a,)), ("bij->b", (a,)),
            ("ij,ij->", (c, c)), ("bij,bjk,ki->bj", (a, b, c)), ("ii->i", (floats(4, 4),)), ("i,j", (floats(3), floats(4))),
            ("bhwc,hkc->bhwk", (floats(2, 3, 4, 5), floats(3, 6, 5))), ("nctkv,kvw->nctw", (floats(1, 3, 4, 2, 5), floats(2, 5, 6))),
            ("bij, bjk", (a, b)))):
        names = ["x", "u", "v"][: len(values)]
        write(f"einsum-{number}", node("Einsum", names, equation=equation), dict(zip(names, values)), opset=13)


GROUPS = (resizing, transposed_convolutions, reductions, normalizations, scans, recurrent, sums_of_products)

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.onnx"):
        old.unlink()
    for group in GROUPS:
        random = np.random.default_rng(14)
        group()
    print(len(list(FOLDER.glob("*.onnx"))), "vectors")
