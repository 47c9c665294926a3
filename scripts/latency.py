#!/usr/bin/env python3
"""Check what budgets of time come to, on a machine that does nothing else.

    python latency.py LOWRANK CACHE [--parts half,prices,slower,onnxruntime] [--threads 1,2] [--only TEXT]

CACHE is the folder of `scripts/real_models.sh`. In parts, so that a machine shared with others can give them its time one by one:

half         CRAFT at half its time, on each number of threads: the time measured against the one predicted and against half, and
             how long `--method auto` takes
prices       how far prices between the ranks that are timed are off: each layer's middle rank, left out and interpolated from
             those beyond it, which are further away than any that are priced so (`LayerPrices`)
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


def multiplies(layer, form, lanes):
    """Those of a form in whole vectors, as `LayerPrices` counts them; and its ranks so."""
    kind, ranks = form.split(":")
    ranks = [-(-int(rank) // lanes) * lanes for rank in ranks.split(",")]
    outputs, inputs, *kernel = layer["kernel"]
    taps, before, after = math.prod(kernel), math.prod(layer["input"]), math.prod(layer["output"])
    rank = ranks[0]
    if kind == "tucker2":
        work = inputs * ranks[1] * before + (taps * rank * ranks[1] + outputs * rank) * after
    elif kind == "channel":
        work = rank * (taps * inputs + outputs) * after
    elif kind == "channel-mirrored":
        work = inputs * rank * before + taps * rank * outputs * after
    elif kind == "spatial":
        work = rank * inputs * kernel[0] * layer["output"][0] * layer["input"][1] + rank * outputs * kernel[1] * after
    elif kind == "spatial-mirrored":
        work = rank * inputs * kernel[1] * layer["input"][0] * layer["output"][1] + rank * outputs * kernel[0] * after
    elif kind == "svd":
        work = rank * (inputs + outputs) * after
    else:
        return None, ranks
    return work, ranks


def prices(lowrank, cache, threads):
    """CRAFT's forms at middle ranks, from those around them."""
    path, shape = NETWORKS[0]
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "table.json")
        subprocess.run([lowrank, "profile", os.path.join(cache, path), "-o", table, "--input-shape", shape, "--threads", threads],
                       check=True, stdout=subprocess.DEVNULL)
        with open(table, encoding="utf-8") as file:
            table = json.load(file)
    errors = {}
    for layer in table["layers"]:
        kinds = {}
        for form in layer["forms"]:
            work, ranks = multiplies(layer, form["form"], table["lanes"])
            if work:
                kinds.setdefault(form["form"].split(":")[0], {})[tuple(ranks)] = (form["ms"], form["ms"] / work, work)
        for kind, points in kinds.items():
            if len(points) < 3:
                continue
            # The one that has others on both sides: the median of all.
            middle = sorted(points, key=math.prod)[len(points) // 2]
            ms, _, work = points.pop(middle)
            weights = [1 / sum(math.log(a / b) ** 2 for a, b in zip(middle, ranks)) for ranks in points]
            efficiency = sum(w * point[1] for w, point in zip(weights, points.values())) / sum(weights)
            errors.setdefault(kind, []).append(work * efficiency / ms - 1)
    for kind, found in sorted(errors.items()):
        sizes = sorted(map(abs, found))
        print(f"{path}, {threads} thread(s), {kind}: {len(found)} middle ranks from those around them: off by "
              f"{sizes[len(sizes) // 2]:.1%} in the median, {sizes[int(0.9 * (len(sizes) - 1))]:.1%} for nine of ten, "
              f"{sum(found) / len(found):+.1%} on average", flush=True)
    return []


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
    parser.add_argument("--parts", default="half,prices,slower,onnxruntime")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    lowrank, cache, wrong = arguments.lowrank, arguments.cache, []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        for part in arguments.parts.split(","):
            if part in ("half", "prices"):
                for threads in arguments.threads.split(","):
                    wrong += {"half": half, "prices": prices}[part](lowrank, cache, threads)
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
