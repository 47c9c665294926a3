#!/usr/bin/env python3
"""Times convolution layers, dense and factored, in this engine and in others, interleaved in one run.

    python compare.py --lowrank PATH/TO/lowrank --out FOLDER [--threads 1,2] [--layers NAME,...] [--reps 40]

Writes FOLDER/results.json, and from it table.md and chart.svg (`--draw` does that alone). Each layer is timed by `lowrank`
before, between and after the others; the minimum of all repetitions counts. The roofline's two rates are measured in the same
process: the faster of NumPy's and PyTorch's sgemm and copy of a large array. Engines that are not installed are left out.
"""
import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time

import numpy as np

import drawing
from engines import ENGINES
from layers import FORMS, LAYERS, argument, multiplies, stages, traffic, weights


def shortest(call, repetitions, seconds=1.5):
    """The minimum time of a call, in seconds, after three that are not counted."""
    for _ in range(3):
        call()
    best, end = float("inf"), time.perf_counter() + seconds
    for i in range(repetitions):
        start = time.perf_counter()
        call()
        now = time.perf_counter()
        best = min(best, now - start)
        if now > end and i >= 4:
            break
    return best


def machine_rates(threads):
    """sgemm in 10^9 operations a second, and memory copies in 10^9 bytes a second (read and written)."""
    import threadpoolctl

    n = 1024
    a, b = (np.random.default_rng(i).standard_normal((n, n), dtype=np.float32) for i in (1, 2))
    product = np.empty((n, n), np.float32)
    source, target = (np.ones(1 << 26, np.float32) for _ in range(2))
    with threadpoolctl.threadpool_limits(threads):
        multiply = shortest(lambda: np.matmul(a, b, out=product), 40)
    copy = shortest(lambda: np.copyto(target, source), 20)
    try:
        import torch
    except ImportError:
        pass
    else:
        torch.set_num_threads(threads)
        ta, tb, ts, tt = (torch.from_numpy(x) for x in (a, b, source, target))
        multiply = min(multiply, shortest(lambda: torch.mm(ta, tb), 40))
        copy = min(copy, shortest(lambda: tt.copy_(ts), 20))
    return {"sgemm": 2e-9 * n**3 / multiply, "copy": 2e-9 * source.nbytes / copy}


def present_engines():
    """The engines that are installed; says which are not, as there is no package of them for every machine."""
    found = {}
    for name, prepare in ENGINES.items():
        if importlib.util.find_spec(name):
            found[name] = prepare
        else:
            print(f"{name} is not installed and left out", file=sys.stderr)
    if not found:
        sys.exit("none of " + ", ".join(ENGINES) + " is installed: there is nothing to compare with")
    return found


def run_lowrank(binary, layer, form, threads, repetitions, winograd="automatic"):
    command = [
        binary, "bench", "conv", "--layer", ",".join(map(str, layer)), "--form", argument(layer, form), "--threads",
        str(threads), "--reps", str(repetitions), "--winograd", winograd, "--json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout)


def measure(binary, engines, name, form, threads, least):
    """One line of the results: every engine's minimum in milliseconds."""
    layer = LAYERS[name]
    count = repetitions(layer, form, least)
    random = np.random.default_rng(1)
    x = random.standard_normal((1, layer[0], *layer[3:5])).astype(np.float32)
    form_stages = stages(layer, form)
    form_weights = weights(form_stages, random)
    ours = [run_lowrank(binary, layer, form, threads, count)]
    plain = [run_lowrank(binary, layer, form, threads, count, "off")] if form == "quarter" else []
    others = {}
    for turn, (engine, prepare) in enumerate(engines.items()):
        call = prepare(form_stages, form_weights, x, threads)
        others[engine] = 1e3 * shortest(call, count)
        if turn == len(engines) // 2 - 1:
            ours.append(run_lowrank(binary, layer, form, threads, count))
    ours.append(run_lowrank(binary, layer, form, threads, count))
    if plain:
        plain.append(run_lowrank(binary, layer, form, threads, count, "off"))
    line = {
        "layer": name, "form": form, "threads": threads, "macs": ours[0]["macs"], "bytes": traffic(layer, form),
        "workspaceBytes": ours[0]["workspaceBytes"], "lowrank": min(r["minMs"] for r in ours), "others": others}
    if plain:
        line["withoutWinograd"] = min(r["minMs"] for r in plain)
    return line


def measure_scaling(binary, names, forms, threads, least):
    """The engine alone, with each number of threads in turn, on layers of more than 50 million multiplies: minimum ms."""
    lines = []
    for name in names:
        for form in (form for form in forms if multiplies(LAYERS[name], form) > 50e6):
            best = {}
            for _ in range(3):
                for count in threads:
                    run = run_lowrank(binary, LAYERS[name], form, count, repetitions(LAYERS[name], form, least))
                    best[str(count)] = min(best.get(str(count), run["minMs"]), run["minMs"])
            lines.append({"layer": name, "form": form, "ms": best})
    return lines


def repetitions(layer, form, least):
    """Those of about a third of a second: small layers get more, so that some fall between what else runs."""
    return max(least, min(1000, int(0.3 / (2e-11 * multiplies(layer, form)))))


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith(("model name", "Model"))]
    return names[0] if names else platform.machine()


def description(binary, engines):
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "lowrank": subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout.strip(),
        "versions": {name: importlib.metadata.version(name) for name in [*engines, "numpy"]},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowrank", help="the command, built for release")
    parser.add_argument("--out", required=True, help="the folder of the results")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--layers", default=",".join(LAYERS))
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--reps", type=int, default=40, help="the least repetitions; small layers get more")
    parser.add_argument("--draw", action="store_true", help="only draw results.json again")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, "results.json")
    if not options.draw:
        if not options.lowrank:
            parser.error("--lowrank names the command to time")
        engines = present_engines()
        results = {"machine": description(options.lowrank, engines), "rates": {}, "lines": []}
        names, forms = options.layers.split(","), options.forms.split(",")
        counts = [int(count) for count in options.threads.split(",")]
        results["scaling"] = measure_scaling(options.lowrank, names, forms, counts, options.reps)
        for threads in counts:
            results["rates"][str(threads)] = machine_rates(threads)
            for name in names:
                for form in forms:
                    line = measure(options.lowrank, engines, name, form, threads, options.reps)
                    results["lines"].append(line)
                    others = "  ".join(f"{engine} {ms:.3f}" for engine, ms in line["others"].items())
                    print(f"{threads}  {name:18} {form:8} lowrank {line['lowrank']:.3f}  {others}", file=sys.stderr)
        with open(path, "w") as file:
            json.dump(results, file, indent=1)
    with open(path) as file:
        results = json.load(file)
    for name, text in (("table.md", drawing.table(results)), ("chart.svg", drawing.chart(results))):
        with open(os.path.join(options.out, name), "w") as file:
            file.write(text)


if __name__ == "__main__":
    main()
