#!/usr/bin/env python3
"""How fast gradients go: backward beside forward, layer by layer.

    python scripts/measure/tune_speed.py LOWRANK [--json FILE]

Each of the layers of 3x3 and 1x1 kernels below on one thread, as tuning runs it (its threads share images): the multiplies a
second of both gradients together over those of the forward run, which should be 0.7 at least. Of a layer of three input channels,
the first of a network, only the kernel's gradient counts: nobody asks for a picture's. Forward goes by Winograd's form where that
pays.
"""
import argparse
import json
import subprocess
import sys

# Input channels, output channels, kernel, height, width, stride, padding.
LAYERS = ["64,64,3,56,56,1,1", "128,128,3,28,28,1,1", "256,256,3,14,14,1,1", "64,64,3,160,160,1,1", "32,40,3,92,92,1,0",
          "3,64,3,112,112,1,1", "64,128,3,56,56,2,1", "256,128,1,28,28,1,0", "64,256,1,56,56,1,0", "32,16,1,96,96,1,0",
          "512,512,1,14,14,1,0"]


def is_first(layer):
    """Whether a picture goes in."""
    return layer.startswith("3,")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("--json")
    options = parser.parse_args()
    rows = []
    print(f"{'layer':<22} {'forward ms':>10} {'input ms':>9} {'kernel ms':>10} {'rate':>5}")
    for layer in LAYERS:
        done = subprocess.run([options.lowrank, "bench", "gradients", "--layer", layer, "--json"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{layer}: {done.stderr.strip()}")
        row = {"layer": layer, **json.loads(done.stdout)}
        if is_first(layer):
            row["rate"] = row["forwardMs"] / row["kernelMs"]
        rows.append(row)
        asked = "not asked" if is_first(layer) else f"{row['inputMs']:9.3f}"
        print(f"{layer:<22} {row['forwardMs']:10.3f} {asked:>9} {row['kernelMs']:10.3f} {row['rate']:5.2f}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(rows, file, indent=1)
    slow = [row["layer"] for row in rows if row["rate"] < 0.7]
    print(f"under 0.7: {'; '.join(slow)}" if slow else "all at 0.7 or more")
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
