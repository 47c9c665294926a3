#!/usr/bin/env python3
"""Check what budgets of time come to, on a machine that does nothing else.

    python latency.py LOWRANK CACHE [--quick]

CACHE is the folder of `scripts/real_models.sh`. CRAFT at half its time on 1 and 2 threads: the time measured against the one
predicted and against half, and how long `--method auto` takes. Then every network of the set at 0.7: none may become slower,
and those that cannot get there have to say so. With LOWRANK_ONNXRUNTIME set, the networks in ONNX Runtime as well; --quick
leaves out all but CRAFT. Ends with status 1 where something does not hold.
"""
import json
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


def half(lowrank, cache):
    """CRAFT at half its time; returns what is wrong."""
    wrong = []
    path, shape = NETWORKS[0]
    for threads in "1", "2":
        report, reason, seconds = compress(
            lowrank, os.path.join(cache, path), shape, "--latency", "0.5", "--threads", threads)
        if report is None:
            wrong.append(reason)
            continue
        moment = line(f"{path} at 0.5, {threads} thread(s)", report, seconds)
        if abs(moment["measuredMs"] / moment["predictedMs"] - 1) > WORST:
            wrong.append(f"{threads} thread(s): not as predicted")
        if moment["measuredMs"] > HALF * moment["denseMs"]:
            wrong.append(f"{threads} thread(s): more than {HALF} of the dense time")
    return wrong


def none_slower(lowrank, cache, *options):
    """Every network at 0.7 of its time; returns what became slower."""
    wrong = []
    for path, shape in NETWORKS:
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
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    lowrank, cache = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        wrong = half(lowrank, cache)
        if "--quick" not in sys.argv:
            wrong += none_slower(lowrank, cache)
            if os.environ.get("LOWRANK_ONNXRUNTIME"):
                wrong += none_slower(lowrank, cache, "--runtime", "onnxruntime")
    for what in wrong:
        print(f"latency.py: {what}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
