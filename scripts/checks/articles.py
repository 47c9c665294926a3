#!/usr/bin/env python3
"""Checks the numbers of the DocC articles against what the code says now.

    scripts/checks/articles.py LOWRANK SNIPPETS ARTICLE.md ...

LOWRANK is the command. A block of shell or of compiled Swift that a block of text follows is run, and its output has to be
that text: words exactly, numbers to 1 % or in the last digit given. SNIPPETS is the folder of the programs that
scripts/checks/readme.sh has built out of the same articles, in this order. Rows of the table of forms
(`form` | weights | multiplies | error) are recomputed on the layer of the article.
"""
import json, os, re, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYER = ["Examples/mnist/mnist.onnx", "--layers", "^/conv4/", "--error", "0.3", "--rank-multiple", "8"]


def blocks(text):
    """Each fenced block: its language, whether it is compiled, its text, whether it follows straight on another."""
    result, end = [], None
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.S | re.M):
        compiled = re.search(r"<!-- compile -->\s*$", text[: found.start()]) is not None
        follows = end is not None and not text[end : found.start()].strip()
        result.append((found[1], compiled, found[2], follows))
        end = found.end()
    return result


def same(word, expected):
    try:
        value, number = float(word), float(expected)
    except ValueError:
        return word == expected
    digits = len(expected.partition(".")[2])
    return abs(value - number) <= max(0.01 * abs(number), 1.01 * 10**-digits if digits else 0)


def difference(output, expected):
    """What is different, or None."""
    words, wanted = output.split(), expected.split()
    if len(words) != len(wanted):
        return f"the output has {len(words)} words, the article {len(wanted)}:\n{output}"
    wrong = [f"{word} instead of {want}" for word, want in zip(words, wanted) if not same(word, want)]
    return "; ".join(wrong) or None


def run(command, folder, lowrank):
    """Runs lines of shell with `lowrank` as the command and files written in a folder of their own."""
    bin = os.path.join(folder, "bin")
    os.makedirs(bin, exist_ok=True)
    if not os.path.exists(os.path.join(bin, "lowrank")):
        os.symlink(os.path.abspath(lowrank), os.path.join(bin, "lowrank"))
        os.symlink(os.path.join(ROOT, "Examples"), os.path.join(folder, "Examples"))
    environment = {**os.environ, "PATH": f"{bin}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-euc", command], cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else f"status {done.returncode}: {done.stderr}"


def row_problem(form, weights, multiplies, error, folder, lowrank):
    method = form.split(":")[0].removesuffix("-mirrored")
    report = os.path.join(folder, "row.json")
    command = [os.path.abspath(lowrank), "compress", *LAYER, "--method", method, "-o", os.path.join(folder, "row.onnx"), "--json", report]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    layer = next(layer for layer in json.load(open(report))["layers"] if layer["method"] != "keep")
    found = f"{layer['method']}:{','.join(map(str, layer['ranks']))}"
    if (found, layer["paramsAfter"], layer["macsAfter"]) != (form, weights, multiplies):
        return f"{form} is now {found}, {layer['paramsAfter']} weights, {layer['macsAfter']} multiplies"
    if abs(layer["relativeError"] - error) > 0.002:
        return f"the error of {form} is now {layer['relativeError']:.4f}, not {error}"
    return None


def main():
    lowrank, snippets, *articles = sys.argv[1:]
    problems, programs, outputs, rows = [], 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for article in articles:
            text = open(article, encoding="utf-8").read()
            before = ""
            for language, compiled, code, follows in blocks(text):
                if language == "text" and follows:
                    wrong = difference(before(), code)
                    outputs += 1
                    if wrong:
                        problems.append(f"{article}: {wrong}")
                if language == "sh":
                    before = lambda code=code: run(code, folder, lowrank)
                if language == "swift" and compiled:
                    programs += 1
                    program = os.path.abspath(os.path.join(snippets, f"Snippet{programs}"))
                    before = lambda program=program: subprocess.run([program], capture_output=True, text=True).stdout
            for row in re.finditer(r"^\| `([\w:,-]+)` \| ([\d ]+) \| ([\d ]+) \| (0\.\d+) \|$", text, re.M):
                wrong = row_problem(
                    row[1], int(row[2].replace(" ", "")), int(row[3].replace(" ", "")), float(row[4]), folder, lowrank)
                rows += 1
                if wrong:
                    problems.append(f"{article}: {wrong}")
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{outputs} outputs and {rows} forms of the articles recomputed, {len(problems)} of them wrong")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
