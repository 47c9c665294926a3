#!/usr/bin/env python3
"""Check what budgets of time come to, on a machine that does nothing else.

    python latency.py LOWRANK CACHE [--parts half,profile,slower,onnxruntime] [--threads 1,2] [--only TEXT]
        [--models MODEL.onnx[@NAME=SHAPE] ...] [--fractions 0.5,0.25]

CACHE is the folder of `scripts/checks/real_models.sh`. In parts, so that a machine shared with others can give them its time one by one:

half         CRAFT at half its time, on each number of threads: the time measured against the one predicted and against half, and
             how long `--method auto` takes
profile      the example, digitrec or the MODELs given, compressed to each fraction by a table of `lowrank profile` on one thread,
             and then timed: a tenth off at most, though nothing is corrected by timing whole networks
slower       every network of the set, or those whose names hold TEXT, at 0.7 on one thread: none may become slower, and those
             that cannot get there have to say so
onnxruntime  the same in ONNX Runtime, where LOWRANK_ONNXRUNTIME names its library or it is installed

Ends with status 1 where something does not hold.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time

# The inputs that files leave open.
NETWORKS = [
    ("craft/craft.onnx", "input=1,3,320,320"),
    ("craft/craft_bn.onnx", "input=1,3,320,320"),
    ("centerface/centerface.onnx", None),
    ("digitrec/digitrec.onnx", None),
    ("nudenet/320n.onnx", "images=1,3,320,320"),
    ("opennsfw/open-nsfw.onnx", None),
    ("rapidocr4/ch_PP-OCRv4_det_infer.onnx", "x=1,3,320,320"),
    ("rapidocr4/ch_PP-OCRv4_rec_infer.onnx", "x=1,3,48,320"),
    ("rapidocr4/ch_ppocr_mobile_v2.0_cls_infer.onnx", "x=1,3,48,192"),
    ("waifu2x/waifu2x_photo.onnx", "Input1=1,3,128,128"),
]
WORST = 0.07
HALF = 0.52
FORETOLD = 0.1


def compress(lowrank, model, shape, *options):
    """The report of a compression, or why there is none; and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        command = [lowrank, "compress", model, "-o", os.path.join(folder, "out.onnx"), "--json", *options]
        command += ["--input-shape", shape] if shape else []
        start = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        seconds = time.monotonic() - start
    if done.returncode:
        return None, done.stderr.strip().splitlines()[-1], seconds
    return json.loads(done.stdout), "", seconds


def line(name, report, seconds):
    moment = report["time"]
    factored = sum("reason" not in layer for layer in report["layers"])
    print(f"{name}: {moment['denseMs']:.3f} -> {moment['measuredMs']:.3f} ms ({moment['measuredMs'] / moment['denseMs']:.3f}), "
          f"{moment['predictedMs']:.3f} predicted ({moment['measuredMs'] / moment['predictedMs'] - 1:+.1%}), "
          f"{factored} layers factored, {moment['rounds']} correction(s), {seconds:.1f} s", flush=True)
    return moment


def half(lowrank, cache, threads):
    """CRAFT at half its time; returns what is wrong."""
    path, shape = NETWORKS[0]
    report, reason, seconds = compress(
        lowrank, os.path.join(cache, path), shape, "--latency", "0.5", "--threads", threads)
    if report is None:
        return [reason]
    moment = line(f"{path} at 0.5, {threads} thread(s)", report, seconds)
    wrong = []
    if abs(moment["measuredMs"] / moment["predictedMs"] - 1) > WORST:
        wrong.append(f"{threads} thread(s): not as predicted")
    if moment["measuredMs"] > HALF * moment["denseMs"]:
        wrong.append(f"{threads} thread(s): more than {HALF} of the dense time")
    return wrong


def least(lowrank, paths, shape):
    """The shortest time of each network, in turn: other work only adds."""
    best = dict.fromkeys(paths, math.inf)
    for _ in range(9):
        for path in paths:
            command = [lowrank, "bench", "model", path, "--threads", "1", "--json"] + (["--input-shape", shape] if shape else [])
            made = subprocess.run(command, check=True, capture_output=True, text=True)
            best[path] = min(best[path], json.loads(made.stdout)["minMs"])
    return best


def profile(lowrank, models, fractions):
    """Networks compressed by a table of this machine's times, which nobody corrects, and then timed; returns what is wrong."""
    wrong = []
    for model in models:
        path, _, shape = model.partition("@")
        name = os.path.basename(path)
        with tempfile.TemporaryDirectory() as folder:
            table = os.path.join(folder, "table.json")
            shapes = ["--input-shape", shape] if shape else []
            subprocess.run([lowrank, "profile", path, "-o", table, "--threads", "1", *shapes], check=True,
                           stdout=subprocess.DEVNULL)
            foretold = {}
            for fraction in fractions:
                out = os.path.join(folder, f"{fraction}.onnx")
                command = [lowrank, "compress", path, "-o", out, "--latency", fraction, "--profile", table, "--json", *shapes]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode:
                    print(f"{name} at {fraction}: {done.stderr.strip().splitlines()[-1].replace(path, name)}", flush=True)
                else:
                    moment = json.loads(done.stdout)["time"]
                    foretold[out] = moment["predictedMs"] / moment["denseMs"]
            times = least(lowrank, [path, *foretold], shape)
            for out, part in foretold.items():
                off = times[out] / (part * times[path]) - 1
                print(f"{name} by a profile: {times[path]:.4f} -> {times[out]:.4f} ms ({times[out] / times[path]:.3f}), "
                      f"{part:.3f} foretold ({off:+.1%})", flush=True)
                if abs(off) > FORETOLD:
                    wrong.append(f"{name}: {off:+.1%} off what its profile foretold")
    return wrong


def none_slower(lowrank, cache, only, *options):
    """Every network at 0.7 of its time; returns what became slower."""
    wrong = []
    for path, shape in NETWORKS:
        if only not in path:
            continue
        report, reason, seconds = compress(
            lowrank, os.path.join(cache, path), shape, "--latency", "0.7", "--threads", "1", *options)
        if report is None:
            print(f"{path}: {reason.replace(cache, '')} ({seconds:.1f} s)", flush=True)
            if "cannot be reached" not in reason:
                wrong.append(reason)
            continue
        moment = line(" ".join([path, *options]), report, seconds)
        if moment["measuredMs"] > moment["denseMs"]:
            wrong.append(f"{path} is slower")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("cache")
    parser.add_argument("--parts", default="half,profile,slower,onnxruntime")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="")
    example = os.path.join(os.path.dirname(__file__), "..", "..", "Examples", "mnist", "mnist.onnx")
    parser.add_argument("--models", nargs="+")
    parser.add_argument("--fractions", default="0.5")
    arguments = parser.parse_args()
    lowrank, cache, wrong = arguments.lowrank, arguments.cache, []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        for part in arguments.parts.split(","):
            if part == "half":
                for threads in arguments.threads.split(","):
                    wrong += half(lowrank, cache, threads)
            elif part == "profile":
                models = arguments.models or [example, os.path.join(cache, "digitrec/digitrec.onnx")]
                wrong += profile(lowrank, models, arguments.fractions.split(","))
            elif part == "slower":
                wrong += none_slower(lowrank, cache, arguments.only)
            elif part == "onnxruntime":
                wrong += none_slower(lowrank, cache, arguments.only, "--runtime", "onnxruntime")
            else:
                parser.error(f"there is no part {part}")
    for what in wrong:
        print(f"latency.py: {what}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
