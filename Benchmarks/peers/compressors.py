#!/usr/bin/env python3
"""Holds this package against others that factor the layers of trained networks: AIMET, TensorLy, mnncompress and fasterai.

    python compressors.py --lowrank PATH/TO/lowrank --out FOLDER [--mnncompress PYTHON] [--model MODEL.onnx] [--rounds 3]

First layer by layer: the first 3 x 3 convolution of each shape, of 32 channels and more, in MODEL (the example by default;
several --model go), factored in the same form to the same ranks by each package that has the form. Seconds are the least of
--rounds, or of those begun within 5 s, on one thread, from weights to factors in memory. The error is that of the kernel that
the factored layers have, as measured by what they answer to impulses in float64, relative to the kernel's norm.

Then the example network whole, without training, each package by its own means: AIMET's automatic spatial SVD with a target of
half the multiplies, whose greedy search asks for the accuracy of each layer at nine ratios and is given that on half of the
test digits; fasterai and TensorLy, which take one share for all layers, here the one that comes to half of the multiplies;
mnncompress, which has no target, as it comes. Beside each stands `lowrank compress --macs` with as many multiplies, restricted
to the same form and by itself. All are judged on the other half of the test digits, by the error of what stands in front of the
Softmax, relative to its variation.

Writes FOLDER/compressors.json and, from it, compressors.md (`--draw` does that alone). PYTHON is that of an environment
with mnncompress (see mnncompress_worker.py); compressors.sh makes both environments.
"""
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import copy
import datetime
import importlib.metadata
import json
import logging
import subprocess
import sys
import tempfile
import time
import warnings
from decimal import Decimal

import numpy as np
import onnx
import onnxruntime
import tensorly
import torch
from aimet_torch.common.defs import CompressionScheme, CostMetric, GreedySelectionParameters
from aimet_torch.compress import ModelCompressor
from aimet_torch.defs import SpatialSvdParameters
from aimet_torch.svd.svd_splitter import SpatialSvdModuleSplitter
from fasterai.misc.conv_decomposer import Conv_Decomposer
from fasterai.misc.fc_decomposer import FC_Decomposer
from tensorly.decomposition import parafac, partial_tucker
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(HERE, "..", "..", "Examples", "mnist")
sys.path.insert(0, EXAMPLE)
from train import make_network  # noqa: E402


def pointwise(weight, bias=None):
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], 1, bias=bias is not None)
    layer.weight.data = torch.as_tensor(np.ascontiguousarray(weight), dtype=torch.float32)[:, :, None, None]
    if bias is not None: layer.bias.data = bias
    return layer


# What each package makes of a convolution, in a form, with the ranks (a fraction of the channels where it wants that).

def tensorly_tucker2(conv, ranks):
    (core, (u, v)), _ = partial_tucker(conv.weight.detach().numpy(), rank=ranks, modes=[0, 1], init="svd", n_iter_max=100, tol=1e-4)
    middle = copy.deepcopy(conv)
    middle.in_channels, middle.out_channels, middle.bias = ranks[1], ranks[0], None
    middle.weight = nn.Parameter(torch.from_numpy(np.ascontiguousarray(core)))
    return nn.Sequential(pointwise(v.T), middle, pointwise(u, conv.bias))


def tensorly_cp3(conv, ranks):
    kernel = conv.weight.detach().numpy()
    start = "svd" if ranks[0] <= min(kernel.shape[:2]) else "random"
    weights, (u, v, taps) = parafac(kernel.reshape(*kernel.shape[:2], -1), rank=ranks[0], init=start, n_iter_max=50, tol=1e-6,
                                    random_state=0)
    middle = nn.Conv2d(ranks[0], ranks[0], conv.kernel_size, conv.stride, conv.padding, groups=ranks[0], bias=False)
    middle.weight.data = torch.from_numpy((taps * weights).T.reshape(ranks[0], 1, *kernel.shape[2:]).astype(np.float32))
    return nn.Sequential(pointwise(v.T), middle, pointwise(u, conv.bias))


def fasterai(method):
    return lambda conv, ranks: Conv_Decomposer().decompose(nn.Sequential(conv), 1 - (ranks[0] + 0.01) / width(conv, method), method)[0]


def width(conv, method):
    """What fasterai takes its share of."""
    return {"tucker": conv.out_channels, "spatial": min(conv.kernel_size)}.get(method, min(conv.in_channels, conv.out_channels))


def aimet_spatial(conv, ranks):
    return nn.Sequential(*SpatialSvdModuleSplitter.split_module(conv, ranks[0]))


# Which form each package is asked for. fasterai's `spatial` and `cp` are not what the literature calls so: see the table.
FORMS = {
    "tucker2": {"TensorLy": tensorly_tucker2, "fasterai": fasterai("tucker")},
    "spatial": {"AIMET": aimet_spatial},
    "channel": {"fasterai": fasterai("svd")},
    "cp3": {"TensorLy": tensorly_cp3},
    "cp4": {"fasterai": fasterai("cp")},
}


def ranks_of(form, conv):
    t, s, side = conv.out_channels, conv.in_channels, conv.kernel_size[0]
    return {"tucker2": [t // 2, s // 2], "spatial": [side * t * s // (2 * (t + s))], "channel": [min(t, s) // 2],
            "cp3": [max(t, s) // 2], "cp4": [min(t, s) // 2]}[form]


def kernel_of(layers):
    """The kernel that layers have together: their answers to an impulse in each channel, in float64."""
    layers = copy.deepcopy(layers).double().eval()
    first = next(module for module in layers.modules() if isinstance(module, nn.Conv2d))
    channels, size = first.in_channels, 11
    inputs = torch.zeros(channels, channels, size, size, dtype=torch.float64)
    inputs[range(channels), range(channels), size // 2, size // 2] = 1
    with torch.no_grad(): return layers(inputs) - layers(torch.zeros_like(inputs[:1]))


def relative_error(conv, layers):
    expected = kernel_of(conv)
    return float((kernel_of(layers) - expected).norm() / expected.norm())


def timed(call, rounds):
    least, result, first = float("inf"), None, time.perf_counter()
    for _ in range(rounds):
        start = time.perf_counter()
        if start - first > 5: break
        result = call()
        least = min(least, time.perf_counter() - start)
    return least, result


def convolutions(path):
    """The first 3 x 3 convolution of each shape in a model, as layers of PyTorch with stride 1."""
    graph, shapes = onnx.load(path).graph, set()
    weights = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        if node.op_type != "Conv": continue
        kernel = weights.get(node.input[1])
        groups = next((one.i for one in node.attribute if one.name == "group"), 1)
        if kernel is None or groups != 1 or kernel.shape[2:] != (3, 3) or min(kernel.shape[:2]) < 32: continue
        if kernel.shape in shapes: continue
        shapes.add(kernel.shape)
        conv = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1, bias=False)
        conv.weight.data = torch.from_numpy(np.array(kernel, dtype=np.float32))
        yield node.input[1], conv


def lowrank_layer(options, folder, conv, form, ranks):
    path = os.path.join(folder, "kernel.npy")
    np.save(path, conv.weight.detach().numpy())
    command = [options.lowrank, "bench", "decompose", path, "--method", form, "--ranks", ",".join(map(str, ranks)), "--reps",
               str(options.rounds), "--json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {"seconds": result["seconds"], "error": result["relativeError"]}


def mnncompress(options, folder, network):
    """What mnncompress makes of a network, and the seconds."""
    given, made = os.path.join(folder, "given.pt"), os.path.join(folder, "made.pt")
    torch.save(network, given)
    done = subprocess.run([options.mnncompress, os.path.join(HERE, "mnncompress_worker.py"), given, made], check=True,
                          capture_output=True, text=True)
    # Its last line: some parts of the package print as they are loaded.
    return float(done.stdout.split()[-1]), torch.load(made, weights_only=False)


def compare_layers(options, folder):
    lines = []
    for model in options.model:
        for name, conv in convolutions(model):
            forms = [(form, ranks_of(form, conv), packages) for form, packages in FORMS.items()]
            line = {"model": os.path.basename(model), "layer": name, "kernel": list(conv.weight.shape)}
            if options.mnncompress:
                seconds, layers = mnncompress(options, folder, nn.Sequential(conv))
                if isinstance(layers[0], nn.Sequential):
                    ranks = [layers[0][1].out_channels, layers[0][1].in_channels]
                    lines.append(line | {"form": "tucker2", "ranks": ranks, "mnncompress": {
                        "seconds": seconds, "error": relative_error(conv, layers)},
                        "lowrank": lowrank_layer(options, folder, conv, "tucker2", ranks)})
                    print(json.dumps(lines[-1]), file=sys.stderr)
            for form, ranks, packages in forms:
                lines.append(line | {"form": form, "ranks": ranks, "lowrank": lowrank_layer(options, folder, conv, form, ranks)})
                for package, call in packages.items():
                    seconds, layers = timed(lambda: call(conv, ranks), options.rounds)
                    lines[-1][package] = {"seconds": seconds, "error": relative_error(conv, layers)}
                print(json.dumps(lines[-1]), file=sys.stderr)
    return lines


def example():
    """The example network in PyTorch, with its test digits."""
    network = make_network()
    graph = onnx.load(os.path.join(EXAMPLE, "mnist.onnx")).graph
    weights = {one.name: torch.from_numpy(np.array(onnx.numpy_helper.to_array(one))) for one in graph.initializer}
    network.load_state_dict(weights, strict=False)
    images = torch.from_numpy(np.load(os.path.join(EXAMPLE, "test_images.npy")))
    labels = torch.from_numpy(np.load(os.path.join(EXAMPLE, "test_labels.npy")))
    return network.eval(), images, labels


def multiplies(network, image):
    """Of one image: what convolutions and fully connected layers multiply."""
    count, hooks = [0], []

    def add(layer, _, output):
        count[0] += layer.weight[0].numel() * output[0].numel()

    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)): hooks.append(layer.register_forward_hook(add))
    with torch.no_grad(): network(image)
    for hook in hooks: hook.remove()
    return count[0]


def with_share(make, network, image, share):
    """The network with the largest share of the ranks that stays within a share of the multiplies."""
    budget, best = share * multiplies(network, image), None
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        made = make(middle)
        if multiplies(made, image) <= budget: low, best = middle, made
        else: high = middle
    return best


def tensorly_network(network, share):
    made = copy.deepcopy(network)
    for name, layer in network.named_children():
        if isinstance(layer, nn.Conv2d) and layer.in_channels > 1:
            setattr(made, name, tensorly_tucker2(layer, [max(1, int(share * n)) for n in layer.weight.shape[:2]]))
    return made


def aimet_network(network, images, labels, share):
    def accuracy(model, iterations, use_cuda):  # the names that AIMET calls with
        with torch.no_grad(): return (model(images).argmax(1) == labels).float().mean().item()

    greedy = GreedySelectionParameters(target_comp_ratio=Decimal(str(share)), num_comp_ratio_candidates=10)
    parameters = SpatialSvdParameters(SpatialSvdParameters.Mode.auto, SpatialSvdParameters.AutoModeParams(greedy), multiplicity=1)
    return ModelCompressor.compress_model(
        copy.deepcopy(network), accuracy, None, tuple(images[:1].shape), CompressionScheme.spatial_svd, CostMetric.mac, parameters)[0]


def compare_networks(options, folder, share=0.5):
    network, images, labels = example()
    seen, held_out = slice(0, None, 2), slice(1, None, 2)
    with torch.no_grad(): expected = network(images[held_out])
    whole, lines = multiplies(network, images[:1]), []

    def judge(package, seconds, answers, count):
        answers = torch.as_tensor(answers)
        lines.append({"package": package, "seconds": seconds, "multiplies": count / whole,
                      "error": float((answers - expected).norm() / (expected - expected.mean(0)).norm()),
                      "accuracy": (answers.argmax(1) == labels[held_out]).float().mean().item()})
        print(json.dumps(lines[-1]), file=sys.stderr)

    def judge_ours(method, count):
        path, report = os.path.join(folder, "small.onnx"), os.path.join(folder, "report.json")
        command = [options.lowrank, "compress", os.path.join(EXAMPLE, "mnist.onnx"), "--macs", str(count / whole), "--method", method,
                   "-o", path, "--json", report]
        seconds, _ = timed(lambda: subprocess.run(command, check=True, capture_output=True), 1)
        session = onnxruntime.InferenceSession(path)
        answers = session.run(None, {session.get_inputs()[0].name: images[held_out].numpy()})[0]
        with open(report) as file: judge(f"lowrank, {method}", seconds, answers, json.load(file)["model"]["macsAfter"])

    def judge_beside(package, method, made_in):
        seconds, made = made_in
        count = multiplies(made, images[:1])
        with torch.no_grad(): judge(package, seconds, made.eval()(images[held_out]), count)
        for ours in (method, "auto"): judge_ours(ours, count)

    def fasterai_network(part):
        # Of the first layer's one channel no share can be taken.
        made = Conv_Decomposer().decompose(network, 1 - part, "tucker", exclude=["conv1"])
        return FC_Decomposer().decompose(made, 1 - part, exclude=["output"])

    judge_beside("AIMET, spatial SVD", "spatial", timed(lambda: aimet_network(network, images[seen], labels[seen], share), 1))
    for package, make in (("TensorLy", lambda part: tensorly_network(network, part)), ("fasterai", fasterai_network)):
        judge_beside(f"{package}, Tucker-2", "tucker2", timed(lambda: with_share(make, network, images[:1], share), 1))
    if options.mnncompress: judge_beside("mnncompress, Tucker-2 and SVD", "tucker2", mnncompress(options, folder, network))
    return lines


def table(results):
    rows = [results["machine"], "", "| kernel | form and ranks | lowrank ms | error | other | ms | error | its time / ours |",
            "|---|---|---|---|---|---|---|---|"]
    for line in results["layers"]:
        for package in ("AIMET", "TensorLy", "fasterai", "mnncompress"):
            if package not in line: continue
            ours, theirs = line["lowrank"], line[package]
            rows.append(
                f"| {line['model'].removesuffix('.onnx')} {'x'.join(map(str, line['kernel']))} | "
                f"{line['form']}:{','.join(map(str, line['ranks']))} | {ours['seconds'] * 1e3:.2f} | {ours['error']:.4f} | {package} | "
                f"{theirs['seconds'] * 1e3:.1f} | {theirs['error']:.4f} | {theirs['seconds'] / ours['seconds']:.1f} |")
    rows += ["", "| package, form | seconds | multiplies | error of the answers | accuracy |", "|---|---|---|---|---|"]
    for line in results["networks"]:
        rows.append(f"| {line['package']} | {line['seconds']:.1f} | {line['multiplies']:.3f} | {line['error']:.3f} | {line['accuracy']:.1%} |")
    return "\n".join(rows) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowrank", help="the command, built for release")
    parser.add_argument("--out", required=True, help="the folder of the results")
    parser.add_argument("--mnncompress", help="the Python of an environment with mnncompress")
    parser.add_argument("--model", action="append", help="an ONNX model whose kernels are factored")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draw", action="store_true", help="only write compressors.md again")
    options = parser.parse_args()
    options.model = options.model or [os.path.join(EXAMPLE, "mnist.onnx")]
    warnings.filterwarnings("ignore")
    logging.disable(logging.INFO)
    torch.set_num_threads(1)
    path = os.path.join(options.out, "compressors.json")
    if not options.draw:
        if not options.lowrank: parser.error("--lowrank names the command to time")
        names = ("aimet-torch", "fasterai", "numpy", "tensorly", "torch")
        versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
        options.lowrank, options.out = os.path.abspath(options.lowrank), os.path.abspath(options.out)
        options.model, path = [os.path.abspath(one) for one in options.model], os.path.abspath(path)
        if options.mnncompress: options.mnncompress = os.path.abspath(options.mnncompress)
        with open("/proc/cpuinfo") as file:
            processor = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # where AIMET leaves files of its own
            results = {"machine": f"{datetime.date.today().isoformat()}, one thread of {processor}, {versions}.",
                       "layers": compare_layers(options, folder), "networks": compare_networks(options, folder)}
        with open(path, "w") as file: json.dump(results, file, indent=1)
    with open(path) as file: text = table(json.load(file))
    with open(os.path.join(options.out, "compressors.md"), "w") as file: file.write(text)


if __name__ == "__main__":
    main()
