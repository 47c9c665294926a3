"""The table and the chart of compare.py's results."""
import math
from xml.sax.saxutils import escape

from layers import FORMS


def fastest(line):
    engine = min(line["others"], key=line["others"].get)
    return engine, line["others"][engine]


def ratio(line):
    return line["lowrank"] / fastest(line)[1]


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def milliseconds(value):
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def shares(line, rates):
    """The rate of a line as shares of sgemm's and of the copy's."""
    seconds = line["lowrank"] * 1e-3
    return 2e-9 * line["macs"] / seconds / rates["sgemm"], 1e-9 * line["bytes"] / seconds / rates["copy"]


def engine_names(results):
    titles = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch"}
    names = [titles.get(name, name) for name in results["lines"][0]["others"]]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def heading(machine):
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    # The command's own words: its version, OpenBLAS's and its kernels, the instruction sets.
    words = dict(line.split(": ", 1) for line in machine["lowrank"].splitlines() if ": " in line)
    blas = " ".join(words.get("BLAS", "").split()[:2])
    kernels = words.get("BLAS kernels", "").split(",")[0]
    return (f"{machine['date']}, {machine['cores']} cores of {machine['processor']} ({words.get('Processor', '')}); "
            f"{machine['lowrank'].splitlines()[0]}, {blas} ({kernels} kernels); {versions}.")


def rows(results, threads):
    """The lines of one number of threads by layer, and by form."""
    by_layer = {}
    for line in results["lines"]:
        if line["threads"] == threads:
            by_layer.setdefault(line["layer"], {})[line["form"]] = line
    return by_layer


def table(results):
    text = [heading(results["machine"]), ""]
    for threads, rates in results["rates"].items():
        layers = rows(results, int(threads))
        text += [f"**{threads} thread{'s' if threads != '1' else ''}: minimum ms, this engine / the fastest other**", "",
                 "| layer | " + " | ".join(FORMS.values()) + " |", "|---" * (len(FORMS) + 1) + "|"]
        for name, lines in layers.items():
            cells = [f"{milliseconds(line['lowrank'])} / {milliseconds(fastest(line)[1])} {fastest(line)[0]}"
                     for line in (lines[form] for form in FORMS if form in lines)]
            text.append(f"| {name} | " + " | ".join(cells) + " |")
        text.append("")
        for form, title in FORMS.items():
            ratios = {name: ratio(lines[form]) for name, lines in layers.items() if form in lines}
            if not ratios:
                continue
            worst = max(ratios, key=ratios.get)
            lost = [f"{name} ({value:.2f})" for name, value in ratios.items() if value > 1]
            text.append(f"- {title}: geometric mean {geometric_mean(ratios.values()):.2f}, worst "
                        f"{ratios[worst]:.2f} ({worst})" + (f"; slower on {', '.join(lost)}" if lost else ""))
        text += ["", f"Share of sgemm's rate ({rates['sgemm']:.0f} GFLOP/s) and, in brackets, of the memory's "
                 f"({rates['copy']:.1f} GB/s, each map and weight once). The multiplies are the form's; Winograd does "
                 "fewer, so a share can pass 100 %. The last two columns are Tucker-2 at 1/4 with Winograd off: time in "
                 "ms, and share.", "",
                 "| layer | " + " | ".join(FORMS.values()) + " | 1/4, no Winograd | share |",
                 "|---" * (len(FORMS) + 3) + "|"]
        for name, lines in layers.items():
            cells = []
            for form in FORMS:
                if form in lines:
                    arithmetic, memory = shares(lines[form], rates)
                    cells.append(f"{arithmetic:.0%} ({memory:.0%})")
            quarter = lines.get("quarter", {})
            if "withoutWinograd" in quarter:
                plain = dict(quarter, lowrank=quarter["withoutWinograd"])
                cells += [milliseconds(plain["lowrank"]), f"{shares(plain, rates)[0]:.0%}"]
            text.append(f"| {name} | " + " | ".join(cells) + " |")
        text.append("")
    return "\n".join(text + scaling(results))


def scaling(results):
    """How much faster two threads are than one, on layers of more than 50 million multiplies."""
    factors = {
        f"{line['layer']} {FORMS[line['form']]}": line["ms"]["1"] / line["ms"]["2"]
        for line in results["scaling"] if "1" in line["ms"] and "2" in line["ms"]}
    if not factors:
        return []
    least = min(factors, key=factors.get)
    below = [f"{name} ({value:.2f})" for name, value in sorted(factors.items(), key=lambda x: x[1]) if value < 1.85]
    return [f"Two threads against one, the engine alone on the {len(factors)} layers and forms of more than 50 million "
            f"multiplies: {geometric_mean(factors.values()):.2f} times as fast, at least {factors[least]:.2f} ({least})"
            + (f"; under 1.85: {', '.join(below)}." if below else "."), ""]


def chart(results):
    """Bars of this engine's time as a share of the fastest other's: one panel a form, one bar a number of threads."""
    threads = list(results["rates"])
    names = list(dict.fromkeys(line["layer"] for line in results["lines"]))
    colours = dict(zip(threads, ("#2b6cb0", "#90cdf4", "#4fd1c5", "#f6ad55")))
    bar, panel_width, left, top = 9, 250, 150, 64
    row = bar * len(threads) + 8
    scale = (panel_width - 60) / 1.2
    width, height = left + panel_width * len(FORMS) + 10, top + row * len(names) + 46
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12" role="img" aria-label="Time of this engine as a share of the fastest other">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="20" font-size="15" font-weight="bold">Time as a share of the fastest of '
        f'{escape(engine_names(results))} (shorter is better)</text>']
    for i, name in enumerate(names):
        parts.append(f'<text x="{left - 8}" y="{top + i * row + row / 2 + 2:.0f}" text-anchor="end">{escape(name)}</text>')
    for p, (form, title) in enumerate(FORMS.items()):
        x = left + p * panel_width
        parts.append(f'<text x="{x}" y="{top - 14}" font-weight="bold">{escape(title)}</text>')
        for line in (line for line in results["lines"] if line["form"] == form):
            t = threads.index(str(line["threads"]))
            y = top + names.index(line["layer"]) * row + t * bar
            length = scale * min(ratio(line), 1.2)
            parts.append(f'<rect x="{x}" y="{y}" width="{length:.1f}" height="{bar - 1}" '
                         f'fill="{colours[str(line["threads"])]}"/>')
            parts.append(f'<text x="{x + length + 4:.1f}" y="{y + bar - 1}" font-size="9">{ratio(line):.2f}</text>')
        one = x + scale
        parts.append(f'<line x1="{one:.1f}" x2="{one:.1f}" y1="{top - 6}" y2="{top + row * len(names)}" '
                     'stroke="#c53030" stroke-dasharray="3 3"/>')
    foot = height - 16
    for t, count in enumerate(threads):
        parts.append(f'<rect x="{left + t * 110}" y="{foot - 9}" width="10" height="10" fill="{colours[count]}"/>')
        parts.append(f'<text x="{left + t * 110 + 15}" y="{foot}">{count} thread{"s" if count != "1" else ""}</text>')
    parts.append(f'<text x="{left + len(threads) * 110 + 10}" y="{foot}" fill="#c53030">1.00: the fastest other</text>')
    machine = results["machine"]
    parts.append(f'<text x="{width - 10}" y="{foot}" text-anchor="end" fill="#555555">{machine["date"]}, '
                 f'{machine["cores"]} cores of {escape(machine["processor"])}</text></svg>')
    return "\n".join(parts) + "\n"
