#!/usr/bin/env python3
"""Write the reference vectors of this folder: .npy and safetensors files, and small ONNX models.

    python make_vectors.py [FOLDER]

Needs numpy, onnx, onnxruntime and ml_dtypes (which onnx brings). Every value is seeded or given by a formula, so a
second run writes the same bytes. VERSIONS.txt records what made them.

Element i (row-major, from 0) of every array in the .npy and safetensors files is (i - 7) / 4, exact in each format,
except in the tensors named `special`. NAME.output.npy is what ONNX Runtime makes of NAME.onnx and NAME.input.npy.
The weights of a model are of low rank plus noise of 0.1 %, so that a factored layer is both cheaper and close.
"""
import json, os, platform, struct, sys, zlib

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET, IR = 17, 8
FOLDER = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(__file__))
SHAPES = [(), (5,), (3, 4), (2, 3, 4), (2, 3, 2, 2)]
NOT_RUN = []


def path(name):
    return os.path.join(FOLDER, name)


# The plain formats

def ramp(shape, dtype):
    return ((np.arange(int(np.prod(shape, dtype=int))) - 7) / 4).reshape(shape).astype(dtype)


def write_npy(name, array, version):
    with open(path(name), "wb") as file:
        np.lib.format.write_array(file, array, version=version)


def make_npy():
    for kind in ("f2", "f4", "f8"):
        for shape in SHAPES:
            array = ramp(shape, "<" + kind)
            write_npy(f"npy-{kind}-c-{len(shape)}d.npy", array, (1, 0))
            if len(shape) > 1:  # below two axes NumPy always writes fortran_order False
                write_npy(f"npy-{kind}-fortran-{len(shape)}d.npy", np.asfortranarray(array), (1, 0))
        write_npy(f"npy-{kind}-c-3d-version2.npy", ramp((2, 3, 4), "<" + kind), (2, 0))
        write_npy(f"npy-{kind}-fortran-3d-version2.npy", np.asfortranarray(ramp((2, 3, 4), "<" + kind)), (2, 0))
    write_npy("npy-f4-bigendian-2d.npy", ramp((3, 4), ">f4"), (1, 0))
    write_npy("npy-f4-empty.npy", np.zeros((0, 3), "<f4"), (1, 0))


def write_safetensors(name, tensors, metadata=None):
    """The format of the safetensors package: a little-endian u64 length, a JSON header padded with blanks, the data."""
    words = {"float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64"}
    header, data = ({"__metadata__": metadata} if metadata else {}), b""
    for key, array in tensors.items():
        blob = array.tobytes()
        header[key] = {
            "dtype": words[array.dtype.name], "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path(name), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def make_safetensors():
    kinds = {"f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64}
    for word, kind in kinds.items():
        info = ml_dtypes.finfo(kind)
        special = np.array([
            0.0, -0.0, 1.0, float(info.smallest_normal), float(info.smallest_subnormal), float(info.max), float(info.min),
            np.inf, -np.inf, np.nan]).astype(kind)
        write_safetensors(f"safetensors-{word}.safetensors", {
            "scalar": ramp((), kind), "matrix": ramp((3, 4), kind), "kernel": ramp((2, 3, 2, 2), kind),
            "empty": np.zeros((0, 3), kind), "special": special})
    write_safetensors(
        "safetensors-mixed.safetensors",
        # The widest first, as the safetensors package orders them, so that each is aligned.
        {word: ramp((2, 3), kinds[word]) for word in ("f64", "f32", "f16", "bf16")}, {"format": "pt", "made by": "make_vectors.py"})


# The models

def generator(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def low_rank(seed, shape, groups=1, rank=2):
    """A Tucker-2 kernel [T, S / groups, D...] of this rank in each group and on both modes, plus 0.1 % noise."""
    random, blocks = generator(seed), []
    outputs, inputs = shape[0] // groups, shape[1]
    r1, r2 = min(rank, outputs), min(rank, inputs)
    for _ in range(groups):
        left = np.linalg.qr(random.standard_normal((outputs, r1)))[0]
        right = np.linalg.qr(random.standard_normal((inputs, r2)))[0]
        core = random.standard_normal((r1, r2) + tuple(shape[2:]))
        blocks.append(np.einsum("tp,pq...,sq->ts...", left, core, right))
    kernel = np.concatenate(blocks)
    noise = random.standard_normal(kernel.shape)
    kernel += 1e-3 * np.linalg.norm(kernel) / np.linalg.norm(noise) * noise
    return (kernel * np.sqrt(kernel.size / shape[0]) / np.linalg.norm(kernel)).astype(np.float32)


def vector(seed, count, low=-0.5, high=0.5):
    return generator(seed).uniform(low, high, count).astype(np.float32)


def tensor(name, array):
    return numpy_helper.from_array(array, name)


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def make_model(name, nodes, weights, input_shape, output_shape, kind=TensorProto.FLOAT, opset=OPSET, ir=IR, functions=(),
               weights_as_inputs=False):
    inputs = [value("x", input_shape, kind)]
    if weights_as_inputs:
        inputs += [value(w.name, list(w.dims), w.data_type) for w in weights]
    graph = helper.make_graph(nodes, name, inputs, [value("y", output_shape, kind)], initializer=list(weights))
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(f.domain, 1) for f in functions]
    return helper.make_model(
        graph, producer_name="make_vectors.py", opset_imports=opsets, ir_version=ir, functions=list(functions))


def write_model(name, model, input_shape, run=True, suffix="", mean=0.0, save=True):
    """Checks and writes a model, and beside it an input and ONNX Runtime's output."""
    if save:
        onnx.save_model(model, path(name + ".onnx"))
    onnx.checker.check_model(path(name + ".onnx"), full_check=True)
    if not run:
        NOT_RUN.append(name)
        return
    kind = helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
    x = (generator(name + suffix).standard_normal(input_shape) + mean).astype(kind)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path(name + ".onnx"), options, providers=["CPUExecutionProvider"])
    np.save(path(f"{name}{suffix}.input.npy"), x)
    np.save(path(f"{name}{suffix}.output.npy"), session.run(None, {"x": x})[0])


def conv(name, weight="w", bias="b", x="x", y="y", **attributes):
    return helper.make_node("Conv", [x, weight] + ([bias] if bias else []), [y], name=name, **attributes)


def write_conv(name, kernel, input_shape, groups=1, **attributes):
    """One Conv with a bias and a batch axis left open."""
    w = low_rank(name, kernel, groups)
    model = make_model(
        name, [conv("conv", group=groups, **attributes)], [tensor("w", w), tensor("b", vector(name + "b", kernel[0]))],
        ["batch"] + list(input_shape[1:]), ["batch", kernel[0]] + [None] * (len(kernel) - 2))
    write_model(name, model, input_shape)


def make_convolutions():
    write_conv("conv1d", [12, 8, 5], [2, 8, 13], pads=[2, 1], strides=[2])
    write_conv("conv2d", [12, 8, 3, 3], [2, 8, 9, 7], pads=[1, 0, 2, 3], strides=[2, 1], dilations=[1, 2])
    write_conv("conv2d-1x1-strided", [16, 12, 1, 1], [1, 12, 5, 6], strides=[2, 2])
    for mode in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        write_conv("conv2d-" + mode.lower().replace("_", "-"), [12, 8, 3, 3], [1, 8, 8, 7], auto_pad=mode, strides=[2, 2])
    write_conv("conv3d", [8, 8, 3, 3, 3], [1, 8, 3, 4, 5], pads=[1, 0, 1, 1, 1, 0], strides=[1, 2, 1])
    write_conv("conv-grouped", [16, 8, 3, 3], [1, 16, 5, 6], groups=2, pads=[1, 1, 1, 1])
    write_conv("conv-depthwise", [12, 1, 3, 3], [1, 12, 5, 6], groups=12, pads=[1, 1, 1, 1])

    # The weight of a transposed convolution is stored [S, T, ...].
    name = "conv-transpose"
    node = helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], name="conv", pads=[1, 0, 2, 1], strides=[2, 3],
                            dilations=[1, 2], output_padding=[1, 0])
    model = make_model(
        name, [node], [tensor("w", low_rank(name, [12, 8, 3, 3]).transpose(1, 0, 2, 3).copy()),
                       tensor("b", vector(name + "b", 12))], ["batch", 8, 6, 5], ["batch", 12, None, None])
    write_model(name, model, [2, 8, 6, 5])

    name = "conv-bn"
    weights = [tensor("w", low_rank(name, [12, 8, 3, 3])), tensor("b", vector(name + "b", 12)),
               tensor("scale", vector(name + "scale", 12, 0.5, 2)), tensor("shift", vector(name + "shift", 12)),
               tensor("mean", vector(name + "mean", 12)), tensor("variance", vector(name + "variance", 12, 0.5, 2))]
    nodes = [
        conv("conv", y="c", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", "scale", "shift", "mean", "variance"], ["n"], name="norm", epsilon=1e-3),
        helper.make_node("Relu", ["n"], ["y"], name="relu")]
    write_model(name, make_model(name, nodes, weights, ["batch", 8, 6, 5], ["batch", 12, 6, 5]), [1, 8, 6, 5])


def make_gemms():
    bias = vector("gemm-bias", 12)
    for name, a, b, alpha, beta in [
        ("gemm", 0, 0, 1.0, 1.0), ("gemm-transb", 0, 1, 1.0, 1.0), ("gemm-transa", 1, 0, 1.0, 1.0),
        ("gemm-transa-transb-alpha-beta", 1, 1, 0.5, 2.0)]:
        w = low_rank(name, [12, 16])
        node = helper.make_node(
            "Gemm", ["x", "w", "b"], ["y"], name="gemm", transA=a, transB=b, alpha=alpha, beta=beta)
        model = make_model(
            name, [node], [tensor("w", w if b else np.ascontiguousarray(w.T)), tensor("b", bias)],
            [16, "batch"] if a else ["batch", 16], ["batch", 12])
        write_model(name, model, [16, 3] if a else [3, 16])
    name = "gemm-no-bias-alpha"
    node = helper.make_node("Gemm", ["x", "w"], ["y"], name="gemm", transB=1, alpha=0.25)
    write_model(name, make_model(name, [node], [tensor("w", low_rank(name, [12, 16]))], ["batch", 16], ["batch", 12]), [3, 16])
    name = "gemm-constant-left"
    node = helper.make_node("Gemm", ["w", "x"], ["y"], name="gemm")
    write_model(name, make_model(name, [node], [tensor("w", low_rank(name, [12, 16]))], [16, "n"], [12, "n"]), [16, 3])


def make_matmuls():
    for name, left, x, y in [
        ("matmul-right", False, ["batch", 16], ["batch", 12]), ("matmul-right-3d", False, ["batch", 5, 16], ["batch", 5, 12]),
        ("matmul-left", True, [16, "n"], [12, "n"]), ("matmul-left-3d", True, ["batch", 16, 5], ["batch", 12, 5])]:
        w = low_rank(name, [12, 16])
        node = helper.make_node("MatMul", ["w", "x"] if left else ["x", "w"], ["y"], name="matmul")
        model = make_model(name, [node], [tensor("w", w if left else np.ascontiguousarray(w.T))], x, y)
        write_model(name, model, [2 if isinstance(extent, str) else extent for extent in x])


def make_storage():
    """The same small Conv with its weight in every place and number format that ONNX has for it."""
    kernel, x, y, size = [12, 8, 3, 3], ["batch", 8, 6, 5], ["batch", 12, 4, 3], [1, 8, 6, 5]

    def parts(name):
        return low_rank(name, kernel), vector(name + "b", 12)

    name = "conv-float16"
    w, b = (a.astype(np.float16) for a in parts(name))
    half = make_model(name, [conv("conv")], [tensor("w", w), tensor("b", b)], x, y, TensorProto.FLOAT16)
    write_model(name, half, size)
    name = "conv-float16-int32-data"
    w, b = (a.astype(np.float16) for a in parts(name))
    typed = [helper.make_tensor(n, TensorProto.FLOAT16, a.shape, a.flatten()) for n, a in (("w", w), ("b", b))]
    assert typed[0].int32_data and not typed[0].raw_data
    write_model(name, make_model(name, [conv("conv")], typed, x, y, TensorProto.FLOAT16), size)
    name = "conv-bfloat16"  # a Conv from opset 22 on; ONNX Runtime has none on the CPU
    w, b = (a.astype(ml_dtypes.bfloat16) for a in parts(name))
    model = make_model(name, [conv("conv")], [tensor("w", w), tensor("b", b)], x, y, TensorProto.BFLOAT16, 22, 10)
    write_model(name, model, size, run=False)
    name = "conv-float-data"
    typed = [helper.make_tensor(n, TensorProto.FLOAT, a.shape, a.flatten()) for n, a in zip("wb", parts(name))]
    assert typed[0].float_data and not typed[0].raw_data
    write_model(name, make_model(name, [conv("conv")], typed, x, y), size)
    name = "conv-double"  # nor for Double
    w, b = (a.astype(np.float64) for a in parts(name))
    typed = [helper.make_tensor("w", TensorProto.DOUBLE, w.shape, w.flatten()), tensor("b", b)]
    write_model(name, make_model(name, [conv("conv")], typed, x, y, TensorProto.DOUBLE), size, run=False)
    name = "conv-constant-nodes"
    w, b = parts(name)
    nodes = [helper.make_node("Constant", [], ["w"], name="weight", value=tensor("", w)),
             helper.make_node("Constant", [], ["b"], name="bias", value_floats=[float(v) for v in b]), conv("conv")]
    write_model(name, make_model(name, nodes, [], x, y), size)
    name = "conv-shared-weight"
    w = low_rank(name, [8, 8, 3, 3])
    nodes = [conv("first", bias=None, y="a", pads=[1] * 4), helper.make_node("Relu", ["a"], ["r"], name="relu"),
             conv("second", bias=None, x="r", pads=[1] * 4)]
    write_model(name, make_model(name, nodes, [tensor("w", w)], x, x), size)
    name = "conv-external"
    weights = [tensor(n, a) for n, a in zip("wb", parts(name))]
    for weight, file, offset in zip(weights, (name + ".weights.bin", name + ".biases.bin"), (64, 0)):
        with open(path(file), "wb") as out:
            out.write(b"\0" * offset + weight.raw_data)
        onnx.external_data_helper.set_external_data(weight, file, offset=offset, length=len(weight.raw_data))
        weight.ClearField("raw_data")
    write_model(name, make_model(name, [conv("conv")], weights, x, y), size)
    name = "conv-ir3"
    weights = [tensor(n, a) for n, a in zip("wb", parts(name))]
    nodes = [conv("conv", y="c"), helper.make_node("Relu", ["c"], ["y"], name="relu")]
    write_model(name, make_model(name, nodes, weights, x, y, opset=8, ir=3, weights_as_inputs=True), size)


def make_graphs():
    """Graphs with a structure that a rewriter has to keep: branches, functions, nodes without names."""
    x, y, size = ["batch", 8, 6, 5], ["batch", 12, 4, 3], [1, 8, 6, 5]

    name = "if-branches"
    outer, inner = low_rank(name, [12, 8, 3, 3]), low_rank(name + "else", [12, 8, 3, 3])
    then_branch = helper.make_graph(
        [conv("then_conv", "w", "b", y="then_c"), helper.make_node("Relu", ["then_c"], ["then_y"], name="then_relu")],
        "then_branch", [], [value("then_y", y)])
    else_branch = helper.make_graph(
        [conv("else_conv", "else_w", "b", y="else_y")], "else_branch", [], [value("else_y", y)], [tensor("else_w", inner)])
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"], name="mean", keepdims=0),
             helper.make_node("Greater", ["m", "zero"], ["positive"], name="positive"),
             helper.make_node("If", ["positive"], ["y"], name="if", then_branch=then_branch, else_branch=else_branch)]
    weights = [tensor("w", outer), tensor("b", vector(name, 12)), tensor("zero", np.zeros((), np.float32))]
    model = make_model(name, nodes, weights, x, y)
    write_model(name, model, size, mean=1.0)
    write_model(name, model, size, suffix=".else", mean=-1.0, save=False)

    name = "local-function"
    body = [helper.make_node("Conv", ["image", "kernel"], ["c"], name="inner_conv", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["result"], name="inner_relu")]
    function = helper.make_function(
        "example", "ConvRelu", ["image", "kernel"], ["result"], body, [helper.make_opsetid("", OPSET)])
    nodes = [helper.make_node("ConvRelu", ["x", "w1"], ["a"], name="block", domain="example"),
             conv("conv", "w2", "b", x="a")]
    weights = [tensor("w1", low_rank(name + "1", [8, 8, 3, 3])), tensor("w2", low_rank(name + "2", [12, 8, 3, 3])),
               tensor("b", vector(name, 12))]
    write_model(name, make_model(name, nodes, weights, x, y, functions=[function]), size)

    name = "unnamed-nodes"
    nodes = [helper.make_node("Conv", ["x", "w1"], ["a"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["a"], ["r"]),
             helper.make_node("Conv", ["r", "w2", "b"], ["y"])]
    weights = [tensor("w1", low_rank(name + "1", [8, 8, 3, 3])), tensor("w2", low_rank(name + "2", [12, 8, 3, 3])),
               tensor("b", vector(name, 12))]
    write_model(name, make_model(name, nodes, weights, x, y), size)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    make_npy()
    make_safetensors()
    make_convolutions()
    make_gemms()
    make_matmuls()
    make_storage()
    make_graphs()
    versions = [f"Python {platform.python_version()}", f"numpy {np.__version__}", f"onnx {onnx.__version__}",
                f"onnxruntime {onnxruntime.__version__}", f"ml_dtypes {ml_dtypes.__version__}",
                f"ONNX opset {OPSET}, IR version {IR} (conv-ir3: 8 and 3; conv-bfloat16: 22 and 10)",
                f"without input and output, for ONNX Runtime does not run them on the CPU: {', '.join(NOT_RUN) or 'none'}"]
    with open(path("VERSIONS.txt"), "w") as file:
        file.write("\n".join(versions) + "\n")
    print("\n".join(versions))


if __name__ == "__main__":
    main()
