#!/usr/bin/env python3
"""Puts results of Benchmarks in their places: those of networks/run.sh in README.md, those of peers/run.sh in
Benchmarks/README.md, those of peers/compressors.sh in the article BesideOthers of the documentation.

    python3 scripts/measure/tables.py [RESULTS]        # of the peers: Benchmarks/peers/results by default
"""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parts(path):
    """The parts of a text that blank lines part."""
    with open(path) as file:
        return [part.strip("\n") for part in file.read().split("\n\n") if part.strip()]


def put(place, path, text):
    """Puts the text between the marks of a place in a file of this repository."""
    begin, end = f"<!-- {place}: begin -->\n", f"<!-- {place}: end -->"
    path = os.path.join(ROOT, path)
    with open(path) as file:
        before, rest = file.read().split(begin)
    with open(path, "w") as file:
        file.write(before + begin + text + end + rest.split(end, 1)[1])


def networks():
    """The table of whole networks, without what this project asks of itself: the last column, and how many miss it."""
    def shown(line):
        if line.startswith("|"):
            return line.rsplit("|", 2)[0] + "|"
        return line.partition(";")[0] + "." if line.startswith("Geometric mean") else line

    with open(os.path.join(ROOT, "Benchmarks", "networks", "results", "table.md")) as file:
        return "\n".join(map(shown, file.read().split("\n")))


def main():
    results = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "Benchmarks", "peers", "results")
    convolutions = parts(os.path.join(results, "table.md"))
    # The shares of the machine's rates stay in table.md.
    shown = [part for part in convolutions if not part.startswith(("Share of", "| layer | dense | Tucker-2 at 1/4 | Tucker-2 at 1/2 | CP-3 | 1/4"))]
    decompositions = parts(os.path.join(results, "decompositions.md"))
    text = "\n\n".join([*shown, "**Decompositions**, minimum ms: " + decompositions[0], *decompositions[1:]]) + "\n"
    put("peers", "Benchmarks/README.md", text)
    put("networks", "README.md", networks())
    with open(os.path.join(results, "compressors.md")) as file:
        put("compressors", "Sources/Compress/Documentation.docc/BesideOthers.md", file.read())


if __name__ == "__main__":
    main()
