#!/usr/bin/env python3
"""Draws what compressing the example network saves and costs: Examples/mnist/before-after.svg, the picture in README.md.

    python3 scripts/measure/before_after.py --lowrank PATH/TO/lowrank [--rounds 9]

Compresses Examples/mnist/mnist.onnx by `--error 0.3`, to 0.3 of its multiplies, and to that with float16 weights, without data or
training. Times the four networks in turn, one image on one thread, the least of all rounds, and counts the test digits that
each has right. Prints the figures. Needs nothing but Python and the command; wants an otherwise idle machine.
"""
import argparse, datetime, json, os, subprocess, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLE = os.path.join(ROOT, "Examples", "mnist")
VARIANTS = {"as trained": None, "--error 0.3": ["--error", "0.3"], "--macs 0.3": ["--macs", "0.3"],
            "--macs 0.3 --weights float16": ["--macs", "0.3", "--weights", "float16"]}
COLOURS = ["#718096", "#2b6cb0", "#2b6cb0", "#2b6cb0"]


def measure(lowrank, rounds):
    def run(*words):
        return json.loads(subprocess.run([lowrank, *words, "--json"], check=True, capture_output=True, text=True).stdout)

    with tempfile.TemporaryDirectory() as folder:
        original, lines = os.path.join(EXAMPLE, "mnist.onnx"), {}
        for number, (name, options) in enumerate(VARIANTS.items()):
            path = original
            if options:
                path = os.path.join(folder, f"{number}.onnx")
                subprocess.run([lowrank, "compress", original, "-o", path, *options], check=True, capture_output=True)
            digits = [os.path.join(EXAMPLE, f"test_{what}.npy") for what in ("images", "labels")]
            right = run("evaluate", path, "--images", digits[0], "--labels", digits[1])["accuracy"][0]["result"]["fraction"]
            lines[name] = {"path": path, "ms": float("inf"), "kilobytes": os.path.getsize(path) / 1000, "accuracy": 100 * right}
        for _ in range(rounds):
            for line in lines.values():
                line["ms"] = min(line["ms"], run("bench", "model", line["path"])["minMs"])
    return lines


def chart(lines, machine):
    panels = [("ms", "Milliseconds an image", "{:.3f}"), ("kilobytes", "Kilobytes", "{:.0f}"), ("accuracy", "Accuracy in %", "{:.2f}")]
    row, left, wide, top = 26, 200, 210, 62
    width, height = left + wide * len(panels) + 10, top + row * len(lines) + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" '
             'role="img" aria-label="Time, size and accuracy of the example network before and after">',
             f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
             '<text x="10" y="20" font-size="15" font-weight="bold">The example network before and after lowrank compress</text>']
    for number, name in enumerate(lines):
        parts.append(f'<text x="{left - 8}" y="{top + number * row + 15}" text-anchor="end">{name}</text>')
    for place, (key, title, form) in enumerate(panels):
        x, most = left + place * wide, max(line[key] for line in lines.values())
        parts.append(f'<text x="{x}" y="{top - 12}" font-weight="bold">{title}</text>')
        for number, line in enumerate(lines.values()):
            length, y = (wide - 60) * line[key] / most, top + number * row
            parts.append(f'<rect x="{x}" y="{y}" width="{length:.1f}" height="{row - 6}" fill="{COLOURS[number]}"/>')
            parts.append(f'<text x="{x + length + 5:.1f}" y="{y + 15}">{form.format(line[key])}</text>')
    parts.append(f'<text x="{width - 10}" y="{height - 10}" text-anchor="end" fill="#555555" font-size="11">{machine}</text></svg>')
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lowrank", required=True, help="the command, built for release")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    lines = measure(options.lowrank, options.rounds)
    with open("/proc/cpuinfo") as file:
        processor = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    machine = f"{datetime.date.today().isoformat()}, one thread of {processor}, {os.cpu_count()} cores; 500 test digits"
    for name, line in lines.items(): print(f"{name:30} {line['ms']:8.3f} ms {line['kilobytes']:8.0f} kB {line['accuracy']:7.2f} %")
    with open(os.path.join(EXAMPLE, "before-after.svg"), "w") as file: file.write(chart(lines, machine))


if __name__ == "__main__":
    main()
