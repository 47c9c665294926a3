#!/usr/bin/env python3
"""Puts the results of Benchmarks/peers/run.sh in their place in README.md.

    python3 scripts/readme_tables.py [RESULTS]        # Benchmarks/peers/results by default
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BEGIN, END = "<!-- peers: begin -->\n", "<!-- peers: end -->"


def parts(path):
    """The parts of a text that blank lines part."""
    with open(path) as file:
        return [part.strip("\n") for part in file.read().split("\n\n") if part.strip()]


def main():
    results = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "Benchmarks", "peers", "results")
    convolutions = parts(os.path.join(results, "table.md"))
    # The shares of the machine's rates stay in table.md.
    shown = [part for part in convolutions if not part.startswith(("Share of", "| layer | dense | Tucker-2 at 1/4 | Tucker-2 at 1/2 | CP-3 | 1/4"))]
    decompositions = parts(os.path.join(results, "decompositions.md"))
    text = "\n\n".join([*shown, "**Decompositions**, minimum ms: " + decompositions[0], *decompositions[1:]]) + "\n"
    path = os.path.join(ROOT, "README.md")
    with open(path) as file:
        before, rest = file.read().split(BEGIN)
    with open(path, "w") as file:
        file.write(before + BEGIN + text + END + rest.split(END, 1)[1])


if __name__ == "__main__":
    main()
