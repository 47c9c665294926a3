#!/usr/bin/env python3
"""Measure what `lowrank tune` has to hold.

    python scripts/measure/tune_acceptance.py LOWRANK example --digits mnist_5k.csv.gz [--minutes 4]
    python scripts/measure/tune_acceptance.py LOWRANK photos --cache CACHE [--minutes 4] [--rounds 1] [--macs 0.25] [--epochs N [--keep DIR]]
    python scripts/measure/tune_acceptance.py LOWRANK text --cache CACHE [--latency 0.25] [--images 800] [--epochs 6] [--hints 1 --rate 0.0003] [--keep DIR]
    python scripts/measure/tune_acceptance.py LOWRANK step --model SMALL.onnx --teacher DENSE.onnx --size 3x96x96 [--batch 8]

`example`: the example's digits at 1/8 and less of the multiplies; the training part tunes, without its labels, the 500 test
digits judge. `photos`: a network that doubles photographs, at 0.25 of its multiplies, calibrated and tuned in one go; the peak
signal-to-noise ratio on other photographs is that of calibration.py, whose CACHE it takes; with --epochs the calibrated network is tuned by itself, to the end of its schedule however slow
the machine is, and a run that was killed goes on from what it left in DIR. `text`: CRAFT at a part of its time, calibrated on 64 of
so many pictures with words (text_images.py), tuned on all of them; its pixel scores on 100 others, of photographs and types that are in
none of these, with an error of at most half of the calibrated one's. `step`: the time of a step beside PyTorch's on 2 threads: the
teacher's run, the network's both ways, and Adam, for the same network and batch.
"""
import argparse, json, os, subprocess, sys, tempfile, time

try:
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import numpy_helper
    import calibration
    import text_images
    from text_images import render
except ImportError as missing:
    print(f"tune_acceptance.py needs {missing.name}: pip install numpy onnx onnxruntime pillow torch", file=sys.stderr)
    sys.exit(3)

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(ROOT, "Examples", "mnist")


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def call(*arguments):
    subprocess.run([str(a) for a in arguments], check=True, stdout=subprocess.DEVNULL)


def tune(lowrank, small, teacher, images, output, *more):
    """The report of a run."""
    report = output + ".json"
    call(lowrank, "tune", small, "--teacher", teacher, "--images", images, "-o", output, "--threads", 2, "--json", report, *more)
    with open(report) as file:
        return json.load(file)


def example(options, folder):
    sys.path.insert(0, EXAMPLE)
    import train
    images, labels = train.read_digits(options.digits)
    training, _ = train.split(labels)
    path = os.path.join(folder, "training.npy")
    np.save(path, images[training])
    test, answers = (np.load(os.path.join(EXAMPLE, f"test_{n}.npy")) for n in ("images", "labels"))
    dense = os.path.join(EXAMPLE, "mnist.onnx")

    def accuracy(model):
        run = session(model)
        return 100 * np.mean(run.run(None, {run.get_inputs()[0].name: test})[0].argmax(1) == answers)

    print(f"{'multiplies':>10} {'dense %':>8} {'compressed %':>13} {'tuned %':>8} {'lost':>6} {'seconds':>8}")
    failed = False
    for fraction in (0.125, 0.0625):
        small, tuned = (os.path.join(folder, f"{fraction}.{n}.onnx") for n in ("small", "tuned"))
        call(options.lowrank, "compress", dense, "--macs", fraction, "-o", small)
        start = time.monotonic()
        if options.rounds == 1:
            tune(options.lowrank, small, dense, path, tuned, "--minutes", options.minutes)
        else:
            call(options.lowrank, "compress", dense, "--macs", fraction, "--tune-on", path, "--tune", options.minutes, "--rounds",
                 options.rounds, "--threads", 2, "-o", tuned)
        seconds = time.monotonic() - start
        figures = [accuracy(m) for m in (dense, small, tuned)]
        lost = figures[0] - figures[2]
        failed |= fraction == 0.125 and (lost > 0.3 + 1e-9 or seconds > 300)
        print(f"{fraction:10} {figures[0]:8.2f} {figures[1]:13.2f} {figures[2]:8.2f} {lost:6.2f} {seconds:8.1f}", flush=True)
    return failed


def photos(options, folder):
    """Calibrated and tuned in one go on photographs that are not those tested, at half their size as the network takes them."""
    network = calibration.Waifu2x(options.cache)
    model = os.path.join(options.cache, network.model)
    halves = os.path.join(folder, "halves")
    os.makedirs(halves, exist_ok=True)
    for name in calibration.FITTED:
        image = calibration.photograph(os.path.join(options.cache, "public", name), 0.5)
        image.save(os.path.join(halves, os.path.splitext(os.path.basename(name))[0] + ".png"))

    def made(name, *more):
        path = os.path.join(folder, name + ".onnx")
        if not os.path.exists(path):
            call(options.lowrank, "compress", model, "--macs", options.macs, "--calibrate", halves, "--scale", 1 / 255,
                 "-o", path, "--threads", 2, "--json", path + ".json", *more)
        with open(path + ".json") as file:
            return network.measure(path, model)["dB"], json.load(file).get("tuning")

    dense = network.measure(model, model)["dB"]
    calibrated, _ = made("calibrated")
    if options.epochs:
        path = os.path.join(folder, "tuned.onnx")
        report = tune(options.lowrank, os.path.join(folder, "calibrated.onnx"), model, halves, path, "--epochs", options.epochs,
                      "--blocks", 0, "--scale", 1 / 255, "--checkpoint", os.path.join(folder, "state"))
        tuned, length = network.measure(path, model)["dB"], f"{options.epochs} epochs"
    else:
        tuned, report = made("tuned", "--tune", options.minutes, "--rounds", options.rounds)
        length = f"{options.minutes:g} minutes, {options.rounds} round(s)"
    print(f"{options.macs} of the multiplies: dense {dense:.2f} dB, calibrated {calibrated:.2f} dB, tuned {tuned:.2f} dB: "
          f"{dense - tuned:.2f} lost; {length}, {report['steps']} steps of {1000 * report['secondsOfStep']:.0f} ms "
          f"in the last, {report['end']}")
    return dense - tuned > 1.0


def text(options, folder):
    network = calibration.Craft(options.cache)
    model = os.path.join(options.cache, network.model)

    def pictures(names, families, count, seed):
        made = text_images.images(options.cache, names, families, count, seed)
        return np.ascontiguousarray(((made - network.mean) / network.scale).transpose(0, 3, 1, 2))

    few, many, small, tuned = (os.path.join(folder, name) for name in ("few.npy", "many.npy", "small.onnx", "tuned.onnx"))
    training = pictures(calibration.FITTED + ["photos/page.png"], render.TRAINED, options.images, 1)
    np.save(many, training)
    np.save(few, training[:64])
    tested = pictures(calibration.TESTED + ["photos/text.png"], render.TESTED, 100, 2)
    right = calibration.answers(model, tested, 4)
    if not os.path.exists(small):
        call(options.lowrank, "compress", model, "--latency", options.latency, "--input-shape", network.shape, "--calibrate", few,
             "-o", small, "--threads", 2)
    report = tune(options.lowrank, small, model, many, tuned, "--epochs", options.epochs, "--blocks", options.blocks, "--batch", 4,
                  "--hints", options.hints, *(["--rate", options.rate] if options.rate else []), "--checkpoint",
                  os.path.join(folder, "state"))
    calibrated, learnt = (calibration.relative_error(right, calibration.answers(path, tested, 4)) for path in (small, tuned))
    print(f"CRAFT at {options.latency} of its time: error {calibrated:.3f} calibrated, {learnt:.3f} tuned, {learnt / calibrated:.2f} of it; "
          f"{options.epochs} epochs of {options.images} pictures, {report['steps']} steps of {1000 * report['secondsOfStep']:.0f} ms, "
          f"{report['end']}")
    return learnt > calibrated / 2


def torch_network(path):
    """A function of an input and of weights, for the operators of convolutional networks."""
    import torch
    from torch.nn import functional
    graph = onnx.load(path).graph
    weights = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in graph.initializer}

    def run(x, weights):
        values = {graph.input[0].name: x, "": None, **weights}
        for node in graph.node:
            a = {k.name: onnx.helper.get_attribute_value(k) for k in node.attribute}
            i = [values[n] for n in node.input]
            pads, strides = a.get("pads", [0] * 4), a.get("strides", [1, 1])
            if node.op_type == "Conv":
                y = functional.conv2d(
                    i[0], i[1], i[2] if len(i) > 2 else None, strides, pads[:2], a.get("dilations", [1, 1]), a.get("group", 1))
            elif node.op_type == "ConvTranspose":
                y = functional.conv_transpose2d(
                    i[0], i[1], i[2] if len(i) > 2 else None, strides, pads[:2], 0, a.get("group", 1))
            elif node.op_type == "BatchNormalization":
                y = functional.batch_norm(i[0], i[3], i[4], i[1], i[2], eps=a.get("epsilon", 1e-5))
            elif node.op_type == "Relu":
                y = functional.relu(i[0])
            elif node.op_type == "LeakyRelu":
                y = functional.leaky_relu(i[0], a.get("alpha", 0.01))
            elif node.op_type == "MaxPool":
                y = functional.max_pool2d(i[0], a["kernel_shape"], strides, pads[:2])
            elif node.op_type == "Flatten":
                y = i[0].flatten(1)
            elif node.op_type == "Gemm":
                y = i[0] @ (i[1].T if a.get("transB") else i[1])
                y = y + i[2] if len(i) > 2 else y
            elif node.op_type in ("MatMul", "Add"):
                y = i[0] @ i[1] if node.op_type == "MatMul" else i[0] + i[1]
            else:
                raise SystemExit(f"step: {node.op_type} is not among the operators that are compared")
            values[node.output[0]] = y
        return values[graph.output[0].name]

    # Normalizations stay as they were trained, here as there.
    fixed = {name for node in graph.node if node.op_type == "BatchNormalization" for name in node.input[1:]}
    return run, weights, fixed


def step(options, folder):
    import torch
    torch.set_num_threads(2)
    extents = [int(e) for e in options.size.split("x")]
    chance = np.random.default_rng(1)
    # Half of them are held back, so that evaluations are rare.
    count = 12 * options.batch
    images = chance.random((count, *extents), dtype=np.float32)
    path = os.path.join(folder, "images.npy")
    np.save(path, images)
    report = tune(
        options.lowrank, options.model, options.teacher, path, os.path.join(folder, "o.onnx"), "--epochs", 2, "--batch",
        options.batch, "--blocks", 0, "--loss", "mse", "--crop", 0)
    (run, weights, fixed), (teach, other, _) = torch_network(options.model), torch_network(options.teacher)
    own = {n: w.clone().requires_grad_(w.is_floating_point() and n not in fixed) for n, w in weights.items()}
    optimiser = torch.optim.Adam([w for w in own.values() if w.requires_grad])
    times = []
    for place in range(10):
        x = torch.tensor(images[place * options.batch:(place + 1) * options.batch])
        start = time.perf_counter()
        with torch.no_grad():
            target = teach(x, other)
        loss = torch.nn.functional.mse_loss(run(x, own), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        times.append(time.perf_counter() - start)
    theirs = float(np.mean(times[2:]))
    print(f"a step: {1000 * report['secondsOfStep']:.1f} ms, PyTorch {1000 * theirs:.1f} ms: {report['secondsOfStep'] / theirs:.2f}")
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    commands = parser.add_subparsers(dest="kind", required=True)
    first = commands.add_parser("example")
    first.add_argument("--digits", required=True)
    second = commands.add_parser("photos")
    second.add_argument("--macs", type=float, default=0.25)
    second.add_argument("--epochs", type=int)
    for one in (first, second):
        one.add_argument("--minutes", type=float, default=4)
        one.add_argument("--rounds", type=int, default=1)
    letters = commands.add_parser("text")
    letters.add_argument("--latency", type=float, default=0.25)
    letters.add_argument("--images", type=int, default=800)
    letters.add_argument("--epochs", type=int, default=6)
    letters.add_argument("--blocks", type=float, default=0, help="the part of the steps in which layers learn by themselves")
    letters.add_argument("--hints", type=float, default=0, help="what layers' own losses weigh beside the outputs'")
    letters.add_argument("--rate", type=float)
    for one in (second, letters):
        one.add_argument("--cache", required=True)
        one.add_argument("--keep")
    third = commands.add_parser("step")
    for name in ("--model", "--teacher", "--size"):
        third.add_argument(name, required=True)
    third.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    kinds = {"example": example, "photos": photos, "text": text, "step": step}
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(1 if kinds[options.kind](options, getattr(options, "keep", None) or scratch) else 0)


if __name__ == "__main__":
    main()
