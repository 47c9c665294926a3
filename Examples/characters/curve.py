#!/usr/bin/env python3
"""The accuracy of a network of characters over its measured time, compressed and tuned in every way there is.

    python curve.py LOWRANK MODEL.onnx DATA [--fractions 0.25] [--epochs 3] [--threads 2] [--profile FILE] [--chart FILE]
        [--out FOLDER]

For each fraction of the original's milliseconds: by the weights alone, calibrated on 256 training pictures, the latter tuned as
a whole, likewise with labels, and the former tuned block by block alone. Pictures for tuning are the training part's, judged by
the test part's (render.py). Times are those of 16 pictures together on one thread, the shortest of several rounds in which all
networks take turns, as shares of the original's. Needs numpy and onnxruntime.
"""
import argparse, json, os, subprocess, sys, tempfile, time

import numpy as np
import onnxruntime

from drawing import chart

CALIBRATED, TOGETHER = 256, "image=16,1,24,24"


def accuracy(path, images, labels):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    made = [session.run(None, {"image": images[i:i + 200]})[0].argmax(1) for i in range(0, len(images), 200)]
    return 100 * float(np.mean(np.concatenate(made) == labels))


def call(*arguments):
    made = subprocess.run([str(a) for a in arguments], capture_output=True, text=True)
    if made.returncode != 0:
        sys.exit(f"curve.py: {made.stderr.strip().splitlines()[-1]}")


def milliseconds(lowrank, paths, rounds=7):
    """The shortest time of each network: other work only adds."""
    best = dict.fromkeys(paths, float("inf"))
    for _ in range(rounds):
        for path in paths:
            made = subprocess.run([lowrank, "bench", "model", path, "--input-shape", TOGETHER, "--reps", "20", "--json"],
                                  check=True, capture_output=True, text=True)
            best[path] = min(best[path], json.loads(made.stdout)["minMs"])
    return best


def variants(options, fraction, folder):
    """Each way's name, its model, and the seconds that it took."""
    data = {part: os.path.join(options.data, f"training_{part}.npy") for part in ("images", "labels")}
    few = os.path.join(folder, "few.npy")
    np.save(few, np.load(data["images"])[:CALIBRATED])
    compress = [options.lowrank, "compress", options.model, "--latency", fraction, "--input-shape", TOGETHER,
                "--threads", 1, *(["--profile", options.profile] if options.profile else [])]

    def path(name):
        return os.path.join(folder, f"{os.path.basename(options.model)[:-5]}-{fraction}-{name.replace(' ', '-')}.onnx")

    def tune(name, small, *more):
        return name, [options.lowrank, "tune", path(small), "--teacher", options.model, "--images", data["images"], "--epochs",
                      options.epochs, "--threads", options.threads, "--checkpoint", path(name) + ".state", *more]

    steps = [("weights alone", compress), ("calibrated", [*compress, "--calibrate", few]),
             tune("tuned", "calibrated", "--blocks", 0),
             tune("tuned with labels", "calibrated", "--blocks", 0, "--labels", data["labels"]),
             tune("block by block", "weights alone", "--blocks", 1)]
    for name, command in steps:
        start = time.monotonic()
        if not os.path.exists(path(name)):
            call(*command, "-o", path(name))
        yield name, path(name), time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--fractions", default="0.25")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--profile", help="milliseconds of `lowrank profile --threads 1 --input-shape image=16,1,24,24`, where the machine is busy")
    parser.add_argument("--chart", help="an SVG file to draw the curves in")
    parser.add_argument(
        "--out", help="keeps the models; those that are there already are not made again, and one that was being tuned goes on")
    options = parser.parse_args()
    images, labels = (np.load(os.path.join(options.data, f"test_{part}.npy")) for part in ("images", "labels"))
    whole = accuracy(options.model, images, labels)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.out or scratch
        os.makedirs(folder, exist_ok=True)
        rows = []
        for fraction in options.fractions.split(","):
            for name, path, seconds in variants(options, fraction, folder):
                rows.append((fraction, name, path, accuracy(path, images, labels), seconds))
                print(f"{fraction} {name}: {rows[-1][3]:.2f} % of {whole:.2f}, {seconds:.0f} s", flush=True)
        times = milliseconds(options.lowrank, [options.model] + [row[2] for row in rows])
    print(f"\n{options.model}: {whole:.2f} %, {times[options.model]:.3f} ms\n")
    print("| asked | way | ms | of its time | accuracy | points lost | seconds |\n|---|---|---|---|---|---|---|")
    for fraction, name, path, right, seconds in rows:
        print(f"| {fraction} | {name} | {times[path]:.3f} | 1/{times[options.model] / times[path]:.1f} | {right:.2f} % "
              f"| {whole - right:.2f} | {seconds:.0f} |")
    if options.chart:
        points = {}
        for _, name, path, right, _ in rows:
            points.setdefault(name, []).append((times[options.model] / times[path], right))
        title = f"{os.path.basename(options.model)[:-5]}: characters right over speed, one thread"
        with open(options.chart, "w") as file:
            file.write(chart(title, whole, points))


if __name__ == "__main__":
    main()
