#!/usr/bin/env python3
"""What Winograd's algorithms along one axis bring to the spatial form, D x 1 and 1 x D at 3/8 of the channels.

    python spatial.py LOWRANK [--threads 1] [--rounds 5] [--only PART_OF_A_NAME]      # a command built for release; needs numpy

Without them and with what the plan takes by itself, in turn in one run; the least of all rounds counts. Prints a table of the
layers of stride 1 in layers.py. Run it on an idle machine.
"""
import argparse

from compare import run_lowrank
from drawing import geometric_mean, milliseconds
from layers import LAYERS


def run(binary, layer, threads, winograd):
    """The rank, and the least milliseconds of so many runs that they take a third of a second or so."""
    inputs, outputs, kernel, height, width = layer[:5]
    rank = max(inputs, outputs) * 3 // 8
    repetitions = max(20, int(2e10 / (kernel * rank * (inputs + outputs) * height * width)))
    return rank, run_lowrank(binary, layer, f"spatial:{rank}", threads, repetitions, winograd)["minMs"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lowrank")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="the layers with this in their names")
    arguments = parser.parse_args()
    ratios = []
    print("| layer | rank | ms without | ms | times as fast |\n|---|---|---|---|---|")
    for name, layer in LAYERS.items():
        if arguments.only not in name or layer[5] != 1:
            continue
        choices = [[run(arguments.lowrank, layer, arguments.threads, winograd) for winograd in ("off", "automatic")]
                   for _ in range(arguments.rounds)]
        (rank, plain), (_, chosen) = (min(column) for column in zip(*choices))
        ratios.append(plain / chosen)
        print(f"| {name} | {rank} | {milliseconds(plain)} | {milliseconds(chosen)} | {ratios[-1]:.2f} |", flush=True)
    print(f"\nGeometric mean {geometric_mean(ratios):.2f}.")


if __name__ == "__main__":
    main()
