#!/usr/bin/env python3
"""What calibration is worth on real networks: the same budget with and without it, on inputs that nobody fitted to.

    python calibration.py LOWRANK CACHE [--only NAME] [--budget macs|latency] [--fractions 0.5,0.35] [--threads N]

CACHE is the folder of the public set (see checks/real_models.sh) with `public` in it. Prints one table: a line a network and fraction,
with the milliseconds of a run, the error without and with calibration, and how the two compare. For waifu2x there is also the
PSNR against the photograph of its halved picture made large again, for networks of classes agreement with the original, and
accuracy where there are labels. Errors are relative, of the outputs beside the original's, in front of a Softmax that makes
them. Photographs that are tested are never calibrated on. Needs numpy, onnx, onnxruntime and pillow.
"""
import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from PIL import Image

TESTED = ["photos/astronaut.png", "photos/chelsea.png", "photos/coffee.png", "photos2/flower.jpg"]
# Mostly in colour, as those tested are: fitted to grey pictures, a network is off on colours that it has not seen.
FITTED = ["photos/" + name for name in (
    "brick.png color.png grass.png hubble_deep_field.jpg ihc.png motorcycle_left.png page.png retina.jpg"
    " rocket.jpg").split()] + ["photos2/china.jpg", "photos3/grace_hopper.jpg"]


def session(path, value=None):
    """The network; with `value` it answers with that one alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = onnx.load(path)
    if value is not None:
        del model.graph.output[:]
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(value))
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def answers(path, images, batch=8):
    """The first output in front of a Softmax that makes it: near 0 and 1 an error of probabilities says little."""
    graph = onnx.load(path).graph
    value = graph.output[0].name
    maker = next(node for node in graph.node if value in node.output)
    network = session(path, maker.input[0] if maker.op_type == "Softmax" else value)
    name = network.get_inputs()[0].name
    return np.concatenate([network.run(None, {name: images[i:i + batch]})[0] for i in range(0, len(images), batch)])


def relative_error(right, made):
    """Beside what a column of classes, or a whole map, varies about its mean."""
    mean = right.mean(0) if right.ndim == 2 else right.mean()
    return float(np.linalg.norm(right - made) / np.linalg.norm(right - mean))


def photograph(path, scale=1):
    image = Image.open(path).convert("RGB")
    return image.resize((int(image.width * scale), int(image.height * scale)), Image.BICUBIC)


def crops(cache, names, size, each, scale, seed):
    """`each` crops of `size` x `size` pixels out of every photograph that has so many, [N, size, size, 3], 0 to 255."""
    draw = np.random.default_rng(seed)
    found = []
    for name in names:
        pixels = np.asarray(photograph(os.path.join(cache, "public", name), scale), dtype=np.float32)
        for _ in range(each if min(pixels.shape[:2]) >= size else 0):
            y, x = (draw.integers(0, extent - size + 1) for extent in pixels.shape[:2])
            found.append(pixels[y:y + size, x:x + size])
    return np.stack(found)


class Waifu2x:
    """Pictures at twice the size: decibels beside the photograph."""
    name, model, form = "waifu2x", "public/waifu2x/waifu2x_photo.onnx", []
    shape = "Input1=1,3,128,128"

    def __init__(self, cache):
        self.cache = cache

    def images(self):
        return crops(self.cache, FITTED, 96, 5, 0.5, 1).transpose(0, 3, 1, 2) / 255

    def measure(self, path, original):
        network, dense = session(path), session(original)
        decibels, pairs = [], []
        for name in TESTED:
            image = photograph(os.path.join(self.cache, "public", name))
            width, height = image.width // 2 * 2, image.height // 2 * 2
            image = image.crop((0, 0, width, height))
            half = np.asarray(image.resize((width // 2, height // 2), Image.BICUBIC), dtype=np.float32) / 255
            padded = np.pad(half, ((16, 16), (16, 16), (0, 0)), mode="edge").transpose(2, 0, 1)[None]
            made, truth = (each.run(None, {each.get_inputs()[0].name: padded})[0] for each in (network, dense))
            pairs.append((truth.ravel(), made.ravel()))
            made = made[0].transpose(1, 2, 0)
            down, right = (made.shape[0] - height) // 2, (made.shape[1] - width) // 2
            made = made[down:down + height, right:right + width].clip(0, 1)
            decibels.append(-10 * np.log10(np.mean((made - np.asarray(image, dtype=np.float32) / 255) ** 2)))
        truth, made = (np.concatenate(part) for part in zip(*pairs))
        return {"error": relative_error(truth[None, None], made[None, None]), "dB": float(np.mean(decibels))}


class Classes:
    """Scores of classes: relative error beside the original's, agreement, and accuracy where there are labels."""
    labels = None

    def measure(self, path, original):
        tested = self.tested()
        right, made = answers(original, tested), answers(path, tested)
        result = {"error": relative_error(right, made),
                  "agreement": float(np.mean(right.argmax(1) == made.argmax(1)))}
        if self.labels is not None:
            result["accuracy"] = float(np.mean(made.argmax(1) == self.labels))
        return result


class Digits(Classes):
    """Digits; calibrated on 128 of the 5,000, tested on 2,000 others."""

    def __init__(self, cache):
        with gzip.open(os.path.join(cache, "public/mnist5k/mnist_5k.csv.gz")) as file:
            rows = np.loadtxt(file, delimiter=",", dtype=np.float32)
        rows = rows[np.random.default_rng(3).permutation(len(rows))]
        self.pixels = rows[:, :784].reshape(-1, 1, 28, 28) / 255
        self.labels = rows[1000:3000, 784].astype(int)

    def images(self):
        return self.pixels[:128]

    def tested(self):
        return self.pixels[1000:3000]


class Example(Digits):
    name, model, form, shape = "example", "Examples/mnist/mnist.onnx", [], None


class DigitRecogniser(Digits):
    name, model, form, shape = "digitrec", "public/digitrec/digitrec.onnx", [], "input=1,1,28,28"


class OpenNSFW(Classes):
    """A residual network over photographs."""
    name, model, form, shape = "opennsfw", "public/opennsfw/open-nsfw.onnx", [], None

    def __init__(self, cache):
        self.cache = cache

    def crops(self, names, each, seed):
        return crops(self.cache, names, 224, each, 1, seed)[:, :, :, ::-1] - np.float32([104, 117, 123])

    def images(self):
        return self.crops(FITTED, 6, 1)

    def tested(self):
        return self.crops(TESTED, 8, 2)


class Craft:
    """Maps of where letters are, over photographs and over text made large."""
    name, model, form, shape = "craft", "public/craft/craft.onnx", [], "input=1,3,320,320"
    mean, scale = np.float32([0.485, 0.456, 0.406]) * 255, np.float32([0.229, 0.224, 0.225]) * 255

    def __init__(self, cache):
        self.cache = cache

    def crops(self, names, text, each, seed):
        pixels = np.concatenate([crops(self.cache, names, 320, each, 1.1, seed),
                                 crops(self.cache, [text], 320, each, 2, seed)])
        return ((pixels - self.mean) / self.scale).transpose(0, 3, 1, 2)

    def images(self):
        return self.crops(FITTED, "photos/page.png", 6, 1)[:64]

    def tested(self):
        return self.crops(TESTED, "photos/text.png", 4, 2)

    def measure(self, path, original):
        tested = self.tested()
        return {"error": relative_error(answers(original, tested, 4), answers(path, tested, 4))}


class OutOfReach(Exception):
    """A budget that no choice of forms meets, with the reason."""


def compress(options, model, target, fraction, network, *more):
    """The report of a compression. Raises OutOfReach."""
    command = [options.lowrank, "compress", model, "-o", target, f"--{options.budget}", str(fraction), "--json",
               "--threads", str(options.threads), *network.form, *more]
    command += ["--input-shape", network.shape] if network.shape else []
    done = subprocess.run(command, capture_output=True, text=True)
    if "cannot be reached" in done.stderr:
        raise OutOfReach(done.stderr.strip().splitlines()[-1].rsplit(": ", 1)[-1])
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def milliseconds(options, path, network):
    command = [options.lowrank, "bench", "model", path, "--json", "--threads", str(options.threads)]
    command += ["--input-shape", network.shape] if network.shape else []
    done = subprocess.run(command, capture_output=True, text=True)
    return json.loads(done.stdout)["minMs"] if done.returncode == 0 else float("nan")


def rest(figures):
    return ", ".join(f"{figures[key]:.4g}{unit}" for key, unit in
                     (("dB", " dB"), ("agreement", " alike"), ("accuracy", " right")) if key in figures)


def line(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("cache")
    parser.add_argument("--only", help="one network of waifu2x, example, digitrec, opennsfw, craft")
    parser.add_argument("--fractions", default="0.5,0.35")
    parser.add_argument("--budget", default="macs", choices=["macs", "latency"])
    parser.add_argument("--threads", default=1, type=int)
    parser.add_argument("--method", help="one form instead of all")
    parser.add_argument("--moments", action="store_true", help="calibrate by a file of moments instead of the inputs")
    options = parser.parse_args()
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    line("network", options.budget, "ms", "error, weights alone", "calibrated", "of that", "weights alone", "calibrated",
         "fit", "held out: weights alone", "calibrated", "foretold", "seconds")
    line(*["---"] * 13)
    for kind in (Waifu2x, Example, DigitRecogniser, OpenNSFW, Craft):
        if options.only not in (None, kind.name):
            continue
        network = kind(options.cache)
        network.form = ["--method", options.method] if options.method else []
        model = os.path.join(root if network.model.startswith("Examples") else options.cache, network.model)
        line(network.name, 1, f"{milliseconds(options, model, network):.3g}", "", "", "", rest(network.measure(model, model)),
             *[""] * 6)
        with tempfile.TemporaryDirectory() as folder:
            images, target = os.path.join(folder, "images.npy"), os.path.join(folder, "out.onnx")
            np.save(images, np.ascontiguousarray(network.images(), dtype=np.float32))
            data = ["--calibrate", images]
            if options.moments:
                data = ["--moments", os.path.join(folder, "moments.safetensors")]
                subprocess.run([options.lowrank, "moments", model, "--images", images, "-o", data[1]], check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for fraction in options.fractions.split(","):
                try:
                    compress(options, model, target, fraction, network)
                except OutOfReach as reason:
                    line(network.name, fraction, reason, *[""] * 10)
                    continue
                plain, plain_ms = network.measure(target, model), milliseconds(options, target, network)
                report = compress(options, model, target, fraction, network, *data)
                made = network.measure(target, model)
                # By moments the answers are not looked at.
                output = (report["calibration"].get("outputs") or [{}])[0]
                held = [output.get("scoreError", output.get("relativeError", float("nan"))),
                        output.get("uncalibratedScoreError", output.get("uncalibratedError", float("nan")))]
                line(network.name, fraction, f"{plain_ms:.3g} / {milliseconds(options, target, network):.3g}",
                     f"{plain['error']:.4f}", f"{made['error']:.4f}", f"{made['error'] / plain['error']:.2f}", rest(plain),
                     rest(made), report["calibration"]["fit"], f"{held[1]:.4f}", f"{held[0]:.4f}",
                     f"{output['predictedError']:.4f}" if "predictedError" in output else "",
                     f"{report['elapsedSeconds']:.0f}")


if __name__ == "__main__":
    main()
