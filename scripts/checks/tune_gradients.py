#!/usr/bin/env python3
"""Hold gradients of generated networks against PyTorch's.

    python scripts/checks/tune_gradients.py LOWRANK [--graphs 40] [--seed 1]

Each graph is a random chain of layers, with branches that are added or joined. One step of `lowrank tune` by SGD leaves the
gradient of each weight in its checkpoint, as the momentum of a first step is the gradient; the same loss in PyTorch gives the
gradient that it has to be. The output of the run is a device that takes nothing, so that the checkpoint stays.
"""
import argparse, os, subprocess, sys, tempfile

try:
    import numpy as np
    import onnx
    import torch
    from onnx import TensorProto, helper, numpy_helper
    from safetensors_reader import read
    from torch.nn import functional
except ImportError as missing:
    print(f"tune_gradients.py needs {missing.name}: pip install numpy onnx torch", file=sys.stderr)
    sys.exit(3)

IMAGES = 9
BATCH = 8
# Float against Float: sums of some hundred products through a dozen layers, each rounded to 2^-24, on either side.
TOLERANCE = 2e-4


class Builder:
    """A network as ONNX nodes and as a function of PyTorch tensors, built side by side."""

    def __init__(self, chance):
        self.chance, self.nodes, self.weights, self.steps = chance, [], {}, []

    def weight(self, shape):
        name = f"w{len(self.weights)}"
        scale = 1 / np.sqrt(max(1, np.prod(shape[1:])))
        self.weights[name] = (self.chance.standard_normal(shape) * scale).astype(np.float32)
        return name

    def node(self, op, inputs, compute, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        self.steps.append((name, compute))
        return name

    def constant(self, value):
        name = f"c{len(self.weights)}_{len(self.nodes)}"
        self.constants = getattr(self, "constants", {})
        self.constants[name] = value
        return name

    def run(self, x, weights):
        values = {"x": x, **weights}
        for name, compute in self.steps:
            values[name] = compute(values)
        return values[name]


def convolution(b, x, channels):
    stride, dilation = int(b.chance.choice([1, 1, 2])), int(b.chance.choice([1, 1, 2]))
    kind = b.chance.choice(["dense", "depthwise", "grouped", "pointwise"][: 4 if channels % 2 == 0 else 2])
    groups = {"depthwise": channels, "grouped": 2}.get(kind, 1)
    size = 1 if kind == "pointwise" else 3
    outputs = channels if kind == "depthwise" else int(b.chance.choice([4, 6, 8]))
    pad = dilation * (size // 2)
    w, bias = b.weight([outputs, channels // groups, size, size]), b.weight([outputs])
    name = b.node(
        "Conv", [x, w, bias],
        lambda v: functional.conv2d(v[x], v[w], v[bias], stride, pad, dilation, groups),
        strides=[stride] * 2, dilations=[dilation] * 2, pads=[pad] * 4, group=groups, kernel_shape=[size] * 2)
    return name, outputs


def transposed(b, x, channels):
    outputs = int(b.chance.choice([4, 6]))
    w, bias = b.weight([channels, outputs, 4, 4]), b.weight([outputs])
    name = b.node(
        "ConvTranspose", [x, w, bias], lambda v: functional.conv_transpose2d(v[x], v[w], v[bias], 2, 1),
        strides=[2, 2], pads=[1] * 4, kernel_shape=[4, 4])
    return name, outputs


ACTIVATIONS = {
    "Relu": functional.relu, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "HardSwish": functional.hardswish,
    "Softplus": functional.softplus, "Mish": functional.mish, "Gelu": functional.gelu, "Elu": functional.elu,
    "LeakyRelu": lambda x: functional.leaky_relu(x, 0.01),
}


def activation(b, x, channels):
    op = str(b.chance.choice(list(ACTIVATIONS)))
    return b.node(op, [x], lambda v: ACTIVATIONS[op](v[x])), channels


def slopes(b, x, channels):
    w = b.weight([channels, 1, 1])
    return b.node("PRelu", [x, w], lambda v: torch.where(v[x] > 0, v[x], v[x] * v[w])), channels


def pool(b, x, channels):
    if b.chance.random() < 0.5:
        return b.node(
            "MaxPool", [x], lambda v: functional.max_pool2d(v[x], 3, 1, 1), kernel_shape=[3, 3], pads=[1] * 4), channels
    return b.node(
        "AveragePool", [x], lambda v: functional.avg_pool2d(v[x], 3, 1, 1, count_include_pad=False), kernel_shape=[3, 3],
        pads=[1] * 4), channels


def gate(b, x, channels):
    """Squeeze and excite: the maps times a sigmoid of their means."""
    mean = b.node("GlobalAveragePool", [x], lambda v: v[x].mean((2, 3), keepdim=True))
    w = b.weight([channels, channels, 1, 1])
    inner = b.node("Conv", [mean, w], lambda v: functional.conv2d(v[mean], v[w]), kernel_shape=[1, 1])
    factor = b.node("Sigmoid", [inner], lambda v: torch.sigmoid(v[inner]))
    return b.node("Mul", [x, factor], lambda v: v[x] * v[factor]), channels


def branch(b, x, channels):
    w = b.weight([channels, channels, 3, 3])
    side = b.node(
        "Conv", [x, w], lambda v: functional.conv2d(v[x], v[w], padding=1), pads=[1] * 4, kernel_shape=[3, 3])
    op = str(b.chance.choice(["Add", "Sub", "Mul", "Concat"]))
    if op == "Concat":
        return b.node("Concat", [x, side], lambda v: torch.cat([v[x], v[side]], 1), axis=1), 2 * channels
    compute = {"Add": torch.add, "Sub": torch.sub, "Mul": torch.mul}[op]
    return b.node(op, [x, side], lambda v: compute(v[x], v[side])), channels


def upsample(b, x, channels):
    scales = b.constant(np.array([1, 1, 2, 2], np.float32))
    mode = str(b.chance.choice(["nearest", "linear"]))
    torch_mode = {"nearest": "nearest", "linear": "bilinear"}[mode]
    settings = {} if mode == "nearest" else {"align_corners": False}
    return b.node(
        "Resize", [x, "", scales], lambda v: functional.interpolate(v[x], scale_factor=2, mode=torch_mode, **settings),
        mode=mode, nearest_mode="floor",
        coordinate_transformation_mode="asymmetric" if mode == "nearest" else "half_pixel"), channels


def shuffle(b, x, channels):
    if channels % 8:
        return x, channels
    return b.node(
        "DepthToSpace", [x], lambda v: functional.pixel_shuffle(v[x], 2), blocksize=2, mode="CRD"), channels // 4


LAYERS = [convolution, convolution, activation, activation, slopes, pool, gate, branch, upsample, shuffle, transposed]


def generate(chance):
    b = Builder(chance)
    name, channels = convolution(b, "x", 3)
    size_limit = 12
    for _ in range(int(chance.integers(3, 9))):
        layer = LAYERS[chance.integers(len(LAYERS))]
        if layer in (upsample, transposed, shuffle) and size_limit > 24:
            continue
        if layer in (upsample, transposed, shuffle):
            size_limit *= 2
        if layer is branch and channels > 16:
            continue
        name, channels = layer(b, name, channels)
        if channels < 2:
            break
    mean = b.node("ReduceMean", [name, b.constant(np.array([2, 3], np.int64))], lambda v: v[name].mean((2, 3)), keepdims=0)
    w, bias = b.weight([channels, 5]), b.weight([5])
    b.node("Gemm", [mean, w, bias], lambda v: v[mean] @ v[w] + v[bias])
    return b


def save(b, path, weights):
    initializers = [numpy_helper.from_array(v, n) for n, v in {**weights, **getattr(b, "constants", {})}.items()]
    graph = helper.make_graph(
        b.nodes, "generated", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 12, 12])],
        [helper.make_tensor_value_info(b.nodes[-1].output[0], TensorProto.FLOAT, ["N", 5])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def gradients_of_torch(b, weights, teacher, images):
    """The gradients of the divergence at temperature 4, as `tune` has it."""
    own = {n: torch.tensor(v, requires_grad=True) for n, v in weights.items()}
    x = torch.tensor(images)
    with torch.no_grad():
        target = functional.log_softmax(b.run(x, {n: torch.tensor(v) for n, v in teacher.items()}) / 4, 1)
    y = functional.log_softmax(b.run(x, own) / 4, 1)
    loss = 16 * (target.exp() * (target - y)).sum(1).mean()
    loss.backward()
    return {n: t.grad.numpy() for n, t in own.items() if t.grad is not None}


def check(lowrank, seed, folder):
    chance = np.random.default_rng(seed)
    b = generate(chance)
    # The weights have to differ from the teacher's for there to be a gradient.
    small = {n: (v * (1 + 0.3 * chance.standard_normal(v.shape))).astype(np.float32) for n, v in b.weights.items()}
    image = chance.standard_normal((1, 3, 12, 12)).astype(np.float32)
    # All images are alike, so that any of them may be held back.
    images = np.repeat(image, IMAGES, 0)
    paths = {n: os.path.join(folder, f"{seed}.{n}") for n in ("small.onnx", "teacher.onnx", "images.npy", "state")}
    save(b, paths["teacher.onnx"], b.weights)
    save(b, paths["small.onnx"], small)
    np.save(paths["images.npy"], images)
    run = subprocess.run(
        [lowrank, "tune", paths["small.onnx"], "--teacher", paths["teacher.onnx"], "--images", paths["images.npy"],
         "-o", "/dev/full", "--epochs", "1", "--batch", str(BATCH), "--optimiser", "sgd", "--rate", "1e-9",
         "--checkpoint", paths["state"], "--held-back", "0.1", "--loss", "kl"], capture_output=True, text=True)
    if not os.path.exists(paths["state"]):
        return f"no checkpoint: {run.stderr.strip()[:300]}"
    found = read(paths["state"])
    expected = gradients_of_torch(b, small, b.weights, images[:BATCH])
    worst = 0.0
    for name, gradient in expected.items():
        if f"first/{name}" not in found:
            return f"no gradient of {name}"
        scale = max(np.abs(gradient).max(), 1e-3 * max(np.abs(g).max() for g in expected.values()))
        worst = max(worst, float(np.abs(found[f"first/{name}"] - gradient).max() / scale))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("--graphs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    worst, failures = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(options.seed, options.seed + options.graphs):
            result = check(options.lowrank, seed, folder)
            if isinstance(result, str) or not result < TOLERANCE:
                failures += 1
                print(f"seed {seed}: {result}")
            else:
                worst = max(worst, result)
    print(f"{options.graphs} graphs, {failures} failed; the largest difference of the others is {worst:.1e} of a gradient's largest")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
