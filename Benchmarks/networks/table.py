#!/usr/bin/env python3
"""Gathers what network_peers.py prints, with the date, the machine and the versions, and writes the table of it.

    python3 table.py gather LINES RESULT.json LOWRANK     # lines of JSON, a network each
    python3 table.py table RESULTS                        # RESULTS/threads-*.json to RESULTS/table.md
"""
import datetime
import glob
import importlib.metadata
import json
import math
import os
import subprocess
import sys

ENGINES = {"ort": ("onnxruntime", "ONNX Runtime"), "openvino": ("openvino", "OpenVINO"), "ncnn": ("ncnn", "ncnn"), "mnn": ("MNN", "MNN")}
# What ours may be at most, over the fastest other's.
BOUNDS = {"craft": 0.65, "waifu2x": 0.65, "open-nsfw": 0.9, "digitrec": 0.9}


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor():
    with open("/proc/cpuinfo") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")


def gather(lines, target, lowrank):
    rows = []
    with open(lines) as file:
        for line in file:
            if line.startswith("{"):
                rows.append(json.loads(line))
    # Rows that are there already stay, but for those of the same networks.
    known = {}
    if os.path.exists(target):
        with open(target) as file:
            known = {row["network"]: row for row in json.load(file)["networks"]}
    rows = [row for name, row in known.items() if all(name != new["network"] for new in rows)] + rows
    about = subprocess.run([lowrank, "version"], capture_output=True, text=True, check=True).stdout.splitlines()
    result = {
        "date": datetime.date.today().isoformat(), "processor": processor(), "cores": os.cpu_count(), "lowrank": about,
        "versions": {package: version(package) for package, _ in ENGINES.values()},
        "networks": [row for row in rows if "error" not in row], "errors": [row for row in rows if "error" in row]}
    with open(target, "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def number(value):
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def rows_of(result):
    """A line of the table for each network, and its ratio."""
    for row in result["networks"]:
        peers = {engine: row[engine] for engine in ENGINES if engine in row}
        if "lowrank" not in row or not peers:
            continue
        best = min(peers.values())
        ratio = row["lowrank"] / best
        bound = next((value for word, value in BOUNDS.items() if row["network"].startswith(word)), 1.0)
        cells = [f"**{number(peers[e])}**" if peers.get(e) == best else number(peers[e]) if e in peers else "-" for e in ENGINES]
        yield f"| {row['network']} | {number(row['lowrank'])} | {' | '.join(cells)} | {ratio:.2f} | {bound:.2f} |", ratio, bound


def table(folder):
    paths = sorted(glob.glob(os.path.join(folder, "threads-*.json")))
    parts = []
    for path in paths:
        with open(path) as file:
            result = json.load(file)
        threads = int(os.path.basename(path).split("-")[1].split(".")[0])
        if not parts:
            versions = ", ".join(f"{name} {result['versions'][package]}" for package, name in ENGINES.values() if result["versions"][package])
            parts.append(f"{result['date']}, {result['cores']} cores of {result['processor']}; {result['lowrank'][0]}; {versions}.")
        result["networks"].sort(key=lambda row: row["network"])
        lines = list(rows_of(result))
        names = " | ".join(name for _, name in ENGINES.values())
        parts.append(f"**{threads} thread{'s' if threads > 1 else ''}: minimum ms of a whole network; the ratio is ours over the fastest other's**")
        parts.append("\n".join([f"| network | here | {names} | ratio | bound |", "|---|---|---|---|---|---|---|---|", *(line for line, _, _ in lines)]))
        mean = math.exp(sum(math.log(ratio) for _, ratio, _ in lines) / len(lines))
        over = sum(ratio > bound for _, ratio, bound in lines)
        parts.append(f"Geometric mean {mean:.2f}; {over} of {len(lines)} over their bounds.")
    with open(os.path.join(folder, "table.md"), "w") as file:
        file.write("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] == "gather":
        gather(*sys.argv[2:])
    elif len(sys.argv) == 3 and sys.argv[1] == "table":
        table(sys.argv[2])
    else:
        sys.exit(__doc__)
