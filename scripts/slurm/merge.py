#!/usr/bin/env python3
"""Put what the tasks of an array job found together.

    python3 merge.py layers|sweep|profile FILE... > WHOLE.json

layers: reports of `lowrank inspect --json --layers`, each layer from the one that looked at it. sweep: trade-offs of
`lowrank compress --sweep --json`, by fraction. profile: tables of `lowrank profile --layers`, with the least of the times of the
whole network. Several files or one, the same findings give the same bytes. Ends with status 1 and a sentence where the files
are not of one model and one set of options, or overlap.
"""
import json
import sys

NOT_ASKED = "its name does not match the layers asked for"


def fail(path, what):
    sys.exit(f"merge.py: {path}: {what}")


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        fail(path, error)


def same(path, one, other, *keys):
    for key in keys:
        if one.get(key) != other.get(key):
            fail(path, f"its {key} differs from that of the first file")


def layers(paths, files):
    whole = dict(files[0], layers=list(files[0]["layers"]))
    by = [None if layer.get("reason") == NOT_ASKED else paths[0] for layer in whole["layers"]]
    for path, file in zip(paths[1:], files[1:]):
        same(path, whole, file, "model")
        if [layer["name"] for layer in file["layers"]] != [layer["name"] for layer in whole["layers"]]:
            fail(path, "it has other layers than the first file")
        for place, layer in enumerate(file["layers"]):
            if layer.get("reason") == NOT_ASKED:
                continue
            if by[place]:
                fail(path, f"'{layer['name']}' was looked at in {by[place]} already")
            whole["layers"][place], by[place] = layer, path
    for place, path in enumerate(by):
        if not path:
            fail(paths[0], f"'{whole['layers'][place]['name']}' was looked at in none of the files: give all parts")
    return whole


def sweep(paths, files):
    points = {}
    for path, file in zip(paths, files):
        same(path, files[0], file, "unit", "total")
        for point in file["points"]:
            if point["fraction"] in points:
                fail(path, f"the fraction {point['fraction']} is in another file too")
            points[point["fraction"]] = point
    return dict(files[0], points=[points[fraction] for fraction in sorted(points)])


def profile(paths, files):
    names = [layer["name"] for layer in files[0]["layers"]]
    found, by = {layer["name"]: layer for layer in files[0]["layers"]}, {}
    for path, file in zip(paths, files):
        same(path, files[0], file, "runtime", "machine", "threads", "lanes")
        if [layer["name"] for layer in file["layers"]] != names:
            fail(path, "it has other layers than the first file")
        for layer in file["layers"]:
            # Layers that were not asked for have a time as they are, and no forms.
            if not layer["forms"]:
                continue
            if layer["name"] in by:
                fail(path, f"'{layer['name']}' was timed in {by[layer['name']]} already")
            found[layer["name"]], by[layer["name"]] = layer, path
    return dict(files[0], networkMs=min(file["networkMs"] for file in files), layers=[found[name] for name in names])


def main():
    kinds = {"layers": layers, "sweep": sweep, "profile": profile}
    if len(sys.argv) < 3 or sys.argv[1] not in kinds:
        sys.exit(__doc__)
    paths = sys.argv[2:]
    try:
        whole = kinds[sys.argv[1]](paths, [read(path) for path in paths])
    except (KeyError, TypeError, AttributeError) as error:
        fail(" ".join(paths), f"this is no report of {sys.argv[1]}: {error!r}")
    json.dump(whole, sys.stdout, indent=2, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
