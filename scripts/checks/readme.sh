#!/usr/bin/env bash
# Checks that what README.md shows can be done: the Swift code that a line `<!-- compile -->` precedes compiles in a
# package of its own that depends on this one, the commands, options and scripts of the shell blocks exist, and the table
# and the diagram of modules fit Package.swift.
#
#     scripts/checks/readme.sh [FILE.md ...]
#
# LOWRANK names a command that is built already.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
files=()
for file in "${@:-$root/README.md}"; do files+=("$(realpath "$file")"); done
cd "$root"
# shellcheck source=scripts/setup.sh
source scripts/setup.sh
if [ -z "${LOWRANK:-}" ]; then
  swift build -c release --product lowrank
  LOWRANK="$(swift build -c release --show-bin-path)/lowrank"
fi

package=.build/readme
mkdir -p "$package"
python3 - "$root" "$LOWRANK" "$package" "${files[@]}" << 'PYTHON'
import itertools, os, re, shlex, shutil, subprocess, sys

root, lowrank, package, *files = sys.argv[1:]
problems, snippets, commands, helps = [], [], 0, {}


def blocks(path):
    """Each fenced block: its line, its language, the line before it that is not empty, its text."""
    lines, before, fence = open(path, encoding="utf-8").read().split("\n"), "", None
    for number, line in enumerate(lines, 1):
        mark = re.match(r"\s*(```+)\s*(\S*)", line)
        if fence is None and mark:
            fence, language, start, text = mark[1], mark[2], number, []
        elif fence is not None and mark and mark[1] == fence and not mark[2]:
            yield start, language, before, "\n".join(text) + "\n"
            fence, before = None, ""
        elif fence is not None:
            text.append(line)
        elif line.strip():
            before = line.strip()
    if fence is not None:
        problems.append(f"{path}:{start}: this block does not end")


def help_of(words):
    """What `lowrank WORDS --help` prints, or None where there is no such command."""
    key = " ".join(words)
    if key not in helps:
        done = subprocess.run([lowrank, *words, "--help"], capture_output=True, text=True)
        helps[key] = done.stdout if done.returncode == 0 else None
    return helps[key]


def check_command(where, words):
    """Checks one call of `lowrank`: the words after it."""
    path, text = [], help_of([])
    while words and re.search(rf"^  {re.escape(words[0])}\s", text.partition("SUBCOMMANDS:")[2], re.M):
        path.append(words.pop(0))
        text = help_of(path)
    if "SUBCOMMANDS:" in text and words and not words[0].startswith("-"):
        problems.append(f"{where}: `lowrank {' '.join(path + words[:1])}` is no command")
        return
    for word in words:
        option = re.match(r"\[?(--?[A-Za-z][\w-]*)", word)
        if option and not re.search(rf"(?<![\w-]){re.escape(option[1])}(?![\w-])", text):
            problems.append(f"{where}: `lowrank {' '.join(path)}` has no option {option[1]}")


def check_shell(path, start, text):
    global commands
    for offset, line in enumerate(re.sub(r"\\\n", "  ", text).split("\n")):
        try:
            words = shlex.split(re.sub(r"^\s*\$ ", "", line), comments=True)
        except ValueError as error:
            problems.append(f"{path}:{start + 1 + offset}: {error}")
            continue
        for index, word in enumerate(words):
            called = word == "lowrank" or word.endswith("/lowrank")
            if called and (index == 0 or re.fullmatch(r"[|;&]+|\S*=\S*|time|sudo|--", words[index - 1])):
                end = next((i for i in range(index + 1, len(words)) if re.fullmatch(r"[|;&<>]+", words[i])), len(words))
                check_command(f"{path}:{start + 1 + offset}", words[index + 1 : end])
                commands += 1
            if re.fullmatch(r"(\./)?(scripts|Examples|docker|Benchmarks)/\S*\w", word) and not os.path.exists(os.path.join(root, word)):
                problems.append(f"{path}:{start + 1 + offset}: {word} does not exist")


def dependencies(manifest):
    """What each target of the manifest depends on, by name; those of the tests are left out."""
    found = {}
    for target in re.split(r"\.(?=(?:target|executableTarget|testTarget|systemLibrary)\()", manifest):
        head = re.match(r'(?:target|executableTarget)\(\s*name: "(\w+)"', target)
        if head and 'path: "Tests/' not in target:
            listed = re.search(r"dependencies: \[([^\[\]]*)\]", target)
            found[head[1]] = sorted(re.findall(r'"(\w+)"', listed[1])) if listed else []
    return found


def check_modules(targets):
    """Holds the table of modules, where a file has it, against the manifest's targets and what they depend on."""
    for path in files:
        table = open(path, encoding="utf-8").read().partition("<!-- modules: ")[2].partition("\n\n")[0]
        said = {row[0]: sorted(re.findall(r"`(\w+)`", row[1])) for row in re.findall(r"^\| `(\w+)` \|.*\|(.*)\|$", table, re.M)}
        for name in sorted(targets | said) if said else []:
            if said.get(name) != targets.get(name):
                problems.append(f"{path}: the table of modules says {said.get(name)} of {name}, Package.swift {targets.get(name)}")


def check_diagram(targets):
    """Holds the lines of the diagram of modules, where a file has it, against the manifest: of two ends one depends on the other."""
    for path in files:
        diagram = open(path, encoding="utf-8").read().partition("<!-- diagram: ")[2].partition("\n```\n")[0]
        for line in re.findall(r"^  (\w.*)$", diagram, re.M):
            # Files stand in round brackets and are no modules; what else is quoted or in brackets are words to the reader.
            ends = re.sub(r'\w+\[\(.*?\)\]|"[^"]*"|\[.*?\]', "", line)
            groups = [re.findall(r"\w+", end) for end in re.split(r"[<>\s-]*--[<>\s-]*", ends)]
            for one, two in [pair for near, far in zip(groups, groups[1:]) for pair in itertools.product(near, far)]:
                if two not in targets.get(one, []) and one not in targets.get(two, []):
                    problems.append(f"{path}: the diagram joins {one} and {two}, of which Package.swift has neither depend on the other")


for path in files:
    for start, language, before, text in blocks(path):
        if language in ("sh", "bash", "console"):
            check_shell(os.path.relpath(path, root), start, text)
        if language == "swift" and before == "<!-- compile -->":
            snippets.append((f"{os.path.relpath(path, root)}:{start}", text))

manifest = open(os.path.join(root, "Package.swift"), encoding="utf-8").read()
products = re.findall(r"\.library\(\s*name: \"(\w+)\"", manifest)
check_modules(dependencies(manifest))
check_diagram(dependencies(manifest))
shutil.rmtree(os.path.join(package, "Sources"), ignore_errors=True)
targets = []
for number, (where, text) in enumerate(snippets, 1):
    imports = [product for product in products if re.search(rf"^(public |internal )?import {product}$", text, re.M)]
    folder = os.path.join(package, "Sources", f"Snippet{number}")
    os.makedirs(folder)
    # A type marked @main cannot stand in main.swift.
    with open(os.path.join(folder, "Main.swift" if "@main" in text else "main.swift"), "w", encoding="utf-8") as file:
        file.write(f"// {where}\n{text}")
    dependencies = ", ".join(f'.product(name: "{product}", package: "swift-lowrank")' for product in imports)
    targets.append(f'    .executableTarget(name: "Snippet{number}", dependencies: [{dependencies}]),\n')
with open(os.path.join(package, "Package.swift"), "w", encoding="utf-8") as file:
    file.write(
        "// swift-tools-version: 6.2\nimport PackageDescription\n\nlet package = Package(\n  name: \"readme\",\n"
        f"  dependencies: [.package(name: \"swift-lowrank\", path: \"{root}\")],\n  targets: [\n{''.join(targets)}  ]\n)\n")
for problem in problems:
    print(problem, file=sys.stderr)
print(f"{commands} calls of lowrank checked, {len(snippets)} pieces of Swift to compile")
with open(os.path.join(package, "snippets"), "w", encoding="utf-8") as file:
    file.write(str(len(snippets)))
sys.exit(1 if problems else 0)
PYTHON
if [ "$(cat "$package/snippets")" -gt 0 ]; then
  swift build --package-path "$package"
fi
