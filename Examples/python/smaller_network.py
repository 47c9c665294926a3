"""From a network to a smaller and faster one, and both run: the package `lowrank` on the network of the demo.

    python smaller_network.py

Needs the wheel that scripts/wheel.sh builds; or Python/src on PYTHONPATH, and LOWRANK_LIBRARY to name a library that
scripts/install.sh made.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

import lowrank

EXAMPLE = Path(__file__).parents[1] / "mnist"


def accuracy(network: lowrank.Network, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """The part of the images that is recognised, and the milliseconds of one of them."""
    start = time.perf_counter()
    scores = np.concatenate([network(image[None]) for image in images])
    elapsed = time.perf_counter() - start
    return float(np.mean(scores.argmax(1) == labels)), elapsed / len(images) * 1e3


def main() -> None:
    images, labels = np.load(EXAMPLE / "test_images.npy"), np.load(EXAMPLE / "test_labels.npy")
    with tempfile.TemporaryDirectory() as folder:
        smaller = Path(folder) / "smaller.onnx"
        report = lowrank.compress(EXAMPLE / "mnist.onnx", smaller, macs=0.5,
                                  progress=lambda done, total, layer: print(f"{layer}: {done} of {total}"))
        model = report["model"]
        print(f"multiplies {model['macsBefore']} before, {model['macsAfter']} after")
        for title, path in (("before", EXAMPLE / "mnist.onnx"), ("after", smaller)):
            found, milliseconds = accuracy(lowrank.Network(path), images, labels)
            print(f"{title}: {found:.2%} recognised, {milliseconds:.3f} ms an image")

    # One kernel on its own.
    kernel = np.random.default_rng(0).standard_normal((64, 32, 3, 3)).astype(np.float32)
    factored = lowrank.decompose(kernel, "tucker2", (32, 16))
    maps = factored.run(np.zeros((1, 32, 56, 56), np.float32), padding=1, activation="relu")
    print(factored, "runs to", maps.shape)


if __name__ == "__main__":
    main()
