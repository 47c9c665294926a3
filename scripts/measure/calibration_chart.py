#!/usr/bin/env python3
"""Draws what calibration.py printed: the error of the answers over the time of a run, by the weights alone and calibrated.

    python3 scripts/measure/calibration.py LOWRANK CACHE --budget latency > TABLE.md
    python3 scripts/measure/calibration_chart.py TABLE.md -o CHART.svg --note "2026-11-30, ..."

A panel a network; TABLE.md may hold the tables of several runs, one behind the other. Needs nothing but Python.
"""
import argparse, math
from xml.sax.saxutils import escape

WAYS = (("weights alone", "#718096"), ("calibrated", "#2b6cb0"))
WIDE, HIGH, LEFT, TOP, GAP = 186, 190, 48, 78, 26
LEAST, MOST = 0.003, 10.0


def panels(path):
    """For each network its pairs of a share of the time and an error, a list a way."""
    found, whole = {}, 1.0
    with open(path) as file:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in file if line.startswith("|")]
    for name, fraction, ms, *errors in rows:
        if name in ("network", "---"):
            continue
        if fraction == "1":
            found[name], whole = ([], []), float(ms)
        elif "/" in ms:
            for way, (time, error) in enumerate(zip(ms.split("/"), errors)):
                found[name][way].append((float(time) / whole, float(error)))
    return found


def panel(title, ways, left):
    """One network's part of the picture."""
    def x(share):
        return left + WIDE * (share - 0.15) / 0.85

    def y(error):
        return TOP + HIGH * (math.log(MOST) - math.log(min(MOST, max(LEAST, error)))) / math.log(MOST / LEAST)

    parts = [f'<text x="{left}" y="{TOP - 10}" font-weight="bold">{escape(title)}</text>']
    for error in (0.01, 0.1, 1, 10):
        parts.append(f'<line x1="{left}" x2="{left + WIDE}" y1="{y(error):.1f}" y2="{y(error):.1f}" stroke="#e2e8f0"/>')
        if left == LEFT:
            parts.append(f'<text x="{left - 6}" y="{y(error) + 4:.1f}" text-anchor="end">{error}</text>')
    parts += [f'<text x="{x(share):.1f}" y="{TOP + HIGH + 16}" text-anchor="middle">{share}</text>' for share in (0.25, 0.5, 0.75, 1)]
    for (_, colour), pairs in zip(WAYS, ways):
        line = " ".join(f"{x(share):.1f},{y(error):.1f}" for share, error in sorted(pairs))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(share):.1f}" cy="{y(error):.1f}" r="3.5" fill="{colour}"/>' for share, error in pairs]
    return parts


def chart(found, note):
    width, height = LEFT + len(found) * (WIDE + GAP), TOP + HIGH + 62
    title = "Error of the answers, relative to their variation, over the part of the time that a run takes"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="{title}">', f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="22" font-size="15" font-weight="bold">{title}</text>']
    for place, (way, colour) in enumerate(WAYS):
        parts.append(f'<rect x="{10 + 130 * place}" y="34" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{28 + 130 * place}" y="45">{way}</text>')
    for place, (name, ways) in enumerate(found.items()):
        parts += panel(name, ways, LEFT + place * (WIDE + GAP))
    parts.append(f'<text x="{LEFT}" y="{TOP + HIGH + 34}">part of the time of the whole network, measured</text>')
    parts.append(f'<text x="{width - 10}" y="{height - 10}" text-anchor="end" fill="#555555" font-size="11">{escape(note)}</text></svg>')
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--note", default="", help="date and machine")
    options = parser.parse_args()
    with open(options.output, "w") as file:
        file.write(chart(panels(options.table), options.note))


if __name__ == "__main__":
    main()
