#!/usr/bin/env python3
"""Prove that the tests see faults: put deliberate ones into a copy of the package, one at a time, and see a test fail.

    python3 scripts/checks/mutants.py [--only N,M,...] [--sample] [--jobs 1] [--seconds 60] [--skip TESTS] [--list] [--table]

The faults are the entries of scripts/checks/mutants.toml. All of them are built at once, each behind a switch that is read at
run time (the environment variable LOWRANK_MUTANT), so that one build serves them all: the copy is .build-mutants/tree.
First the tests run without a fault and must pass: all of them, or with --only and --sample those that the chosen faults
name. Then each fault is switched on and the tests that it names run. It is caught where a test fails, where the process
traps, and where they take longer than --seconds and than three times what they take without it (an endless loop); it
survives where every test passes.

An entry of the table:
    id       its number
    file     the file that it is in
    fault    what it does, in words
    find     a piece of the file, found there exactly once but for blanks, the faulty part between « and »
    with     what takes the place of the marked part
    kind     "expression" (where it is left out): the marked part is one, and so is `with`;
             "statement": both are statements, `with` may be empty; where the marked part is empty, `with` is inserted;
             "text": the marked part is replaced by `with` as it is, in which MUTANT stands for the switch
    tests    a regular expression over the names of the tests that should see it
    sample   true where --sample takes it: a short set for every run of CI
    machine  the architecture that the file is compiled for, where not all

--table prints the table as Markdown, with the test that caught each fault in the last run. Exits with 1 where a fault
survives, or where the table no longer fits the sources.
"""
import argparse, collections, concurrent.futures, json, os, platform, re, subprocess, sys, threading, time, tomllib

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = os.path.join(ROOT, "scripts", "checks", "mutants.toml")
SCRATCH = os.path.join(ROOT, ".build-mutants")
TREE = os.path.join(SCRATCH, "tree")
RESULTS = os.path.join(SCRATCH, "results.json")
KEYS = {"id", "file", "fault", "find", "with", "kind", "tests", "sample", "machine"}
KINDS = ("expression", "statement", "text")

# Declared here, since an import could contradict the access level of another file's.
SWIFT_SWITCH = """@_silgen_name("getenv")
private func environmentVariable(_ name: UnsafePointer<CChar>) -> UnsafePointer<CChar>?

private let chosenMutant = environmentVariable("LOWRANK_MUTANT").flatMap { Int(String(cString: $0)) } ?? 0

func lowrankMutant(_ number: Int) -> Bool { number == chosenMutant }
"""

C_SWITCH = """#ifndef LOWRANK_MUTANT_H
#define LOWRANK_MUTANT_H

#include <stdlib.h>

__attribute__((unused)) static int lowrank_mutant(int number) {
  static int chosen = -1;
  if (chosen < 0) {
    const char *text = getenv("LOWRANK_MUTANT");
    chosen = text ? atoi(text) : 0;
  }
  return number == chosen;
}

#endif
"""


# The table

class Mutant:
    def __init__(self, entry):
        unknown = set(entry) - KEYS
        missing = {"id", "file", "fault", "find", "with", "tests"} - set(entry)
        name = f"entry {entry.get('id')}"
        if unknown or missing:
            raise SystemExit(f"{name}: unknown keys {sorted(unknown)}, missing {sorted(missing)}")
        self.number, self.file, self.fault, self.tests = entry["id"], entry["file"], entry["fault"], entry["tests"]
        self.replacement, self.kind = entry["with"], entry.get("kind", "expression")
        self.in_sample, self.machine = entry.get("sample", False), entry.get("machine")
        parts = re.split("[«»]", entry["find"])
        if len(parts) != 3 or self.kind not in KINDS:
            raise SystemExit(f"{name}: one marked part and a kind of {KINDS} are needed")
        if self.kind == "text" and "MUTANT" not in self.replacement:
            raise SystemExit(f"{name}: without MUTANT in its text the fault would always be there")
        self.before, self.marked, self.after = parts

    def place(self, text):
        """Where the marked part lies in the text of the file."""
        pattern = "".join(f"({blank_tolerant(part)})" for part in (self.before, self.marked, self.after))
        found = list(re.finditer(pattern, text))
        if len(found) != 1:
            raise SystemExit(f"mutant {self.number}: its piece of {self.file} is there {len(found)} times, not once:\n"
                             f"  {self.before}«{self.marked}»{self.after}")
        return found[0].span(2)

    def faulty(self, original):
        """What takes the place of the marked part, with the fault behind its switch."""
        switch = f"{'lowrankMutant' if self.file.endswith('.swift') else 'lowrank_mutant'}({self.number})"
        if self.kind == "expression":
            return f"({switch} ? ({self.replacement}) : ({original}))"
        if self.kind == "text":
            return self.replacement.replace("MUTANT", switch)
        condition = switch if self.file.endswith(".swift") else f"({switch})"
        otherwise = f" else {{ {original} }}" if original.strip() else ""
        return f"if {condition} {{ {self.replacement} }}{otherwise}"

    @property
    def is_of_this_machine(self):
        return self.machine in (None, platform.machine())


def blank_tolerant(text):
    """A pattern of the text in which blanks and ends of lines count alike, so that formatting changes nothing."""
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", text))


def read_table():
    with open(TABLE, "rb") as file:
        mutants = [Mutant(entry) for entry in tomllib.load(file)["mutant"]]
    twice = [number for number, count in collections.Counter(m.number for m in mutants).items() if count > 1]
    if twice:
        raise SystemExit(f"numbers given twice: {twice}")
    return mutants


# The copy with all faults in it

def tracked_files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout
    paths = [path for path in listed.split("\0") if path and os.path.isfile(os.path.join(ROOT, path))]
    return [path for path in paths if path.split("/")[0] not in ("Benchmarks", "docker", ".ci")] + [
        path for path in ["Package.resolved"] if os.path.isfile(os.path.join(ROOT, path)) and path not in paths]


def with_faults(text, mutants):
    """The text with every fault in its place, the last place first, so that the others keep theirs."""
    places = sorted(((*m.place(text), m) for m in mutants), key=lambda place: place[:2], reverse=True)
    for (start, _, later), (_, end, earlier) in zip(places, places[1:]):
        if end > start:
            raise SystemExit(f"mutants {earlier.number} and {later.number} overlap in {later.file}")
    for start, end, mutant in places:
        text = text[:start] + mutant.faulty(text[start:end]) + text[end:]
    return text


def contents(mutants):
    """The files of the copy, as bytes."""
    files = {}
    for path in tracked_files():
        with open(os.path.join(ROOT, path), "rb") as file:
            files[path] = file.read()
    by_file = collections.defaultdict(list)
    for mutant in mutants:
        by_file[mutant.file].append(mutant)
    for path, own in by_file.items():
        if path not in files:
            raise SystemExit(f"mutant {own[0].number}: {path} is not there")
        files[path] = with_faults(files[path].decode(), own).encode()
        folder = "/".join(path.split("/")[:2])
        if path.endswith(".swift"):
            files[f"{folder}/LowRankMutant.swift"] = SWIFT_SWITCH.encode()
        else:
            files[f"{folder}/mutant.h"] = C_SWITCH.encode()
    for path in files:
        if path.endswith(".c") and f"{os.path.dirname(path)}/mutant.h" in files:
            # Behind the macros that system headers ask for; the switch needs none of them.
            files[path] = re.sub(rb"(?m)^#include", b'#include "mutant.h"\n#include', files[path], count=1)
    return files


def write_copy(mutants):
    """Writes what differs, so that a second build has little to do."""
    files = contents(mutants)
    for folder, _, names in os.walk(TREE):
        if ".build" in os.path.relpath(folder, TREE).split("/"):
            continue
        for name in names:
            path = os.path.join(folder, name)
            if os.path.relpath(path, TREE) not in files:
                os.remove(path)
    for path, data in files.items():
        target = os.path.join(TREE, path)
        if os.path.isfile(target):
            with open(target, "rb") as file:
                if file.read() == data:
                    continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(data)


def build():
    """Builds the tests of the copy; returns the program that runs them."""
    command = ["swift", "build", "--build-tests", "-debug-info-format", "none"]
    made = subprocess.run(command, cwd=TREE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        errors = [line for line in made.stdout.split("\n") if "error:" in line]
        raise SystemExit("\n".join(dict.fromkeys(errors)) + "\nthe copy with the faults does not compile")
    folder = subprocess.run(["swift", "build", "--show-bin-path"], cwd=TREE, check=True, capture_output=True,
                            text=True).stdout.strip()
    return os.path.join(folder, "swift-lowrankPackageTests.xctest")


# Running

class Run:
    """One run of the tests, ended at its first failure or at the time limit."""

    def __init__(self, program, filter, skip, mutant, seconds):
        environment = dict(os.environ, LOWRANK_MUTANT=str(mutant), NO_COLOR="1")
        command = [program, "--testing-library", "swift-testing", "--no-parallel"]
        if filter:
            command += ["--filter", filter]
        if skip:
            command += ["--skip", skip]
        self.verdict, self.by, self.message, self.last, self.tests = "", "", "", "", 0
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=TREE, env=environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace")
        limit = threading.Timer(seconds, self.expire, [process])
        limit.start()
        try:
            for line in process.stdout:
                self.read(re.sub(r"\x1b\[[0-9;]*m", "", line), process)
        finally:
            limit.cancel()
        status = process.wait()
        self.seconds = time.monotonic() - start
        if not self.verdict and status != 0:
            self.verdict, self.by = f"trapped ({status})", self.last

    def expire(self, process):
        self.verdict, self.by = "endless", self.last
        process.kill()

    def read(self, line, process):
        started = re.match(r"\W*Test (\w+)\(.*started", line)
        failed = re.match(r"\W*Test (\w+)\(.*recorded an issue.* at (\S+?\.swift)", line)
        ended = re.match(r"\W*Test run with (\d+) test", line)
        if started:
            self.last = started[1]
        if failed and not self.verdict:
            self.verdict, self.by = "failed", failed[1]
            self.message = line.strip()
            process.kill()
        if ended:
            self.tests = max(self.tests, int(ended[1]))


def check_without_faults(program, chosen, every, arguments):
    filter = None if len(chosen) == len(every) else "|".join(sorted({f"({m.tests})" for m in chosen}))
    run = Run(program, filter, arguments.skip, 0, 3600)
    if run.verdict:
        raise SystemExit(f"without a fault the tests are not green: {run.by} {run.verdict}\n{run.message}")
    print(f"without a fault {run.tests} tests pass ({run.seconds:.0f} s)", flush=True)


def check_names(program, mutants):
    """Every entry must name tests that are there."""
    listed = subprocess.run([program, "--testing-library", "swift-testing", "--list-tests"], cwd=TREE, check=True,
                            capture_output=True, text=True).stdout.split("\n")
    for mutant in mutants:
        if not any(re.search(mutant.tests, name) for name in listed):
            raise SystemExit(f"mutant {mutant.number}: no test is called {mutant.tests}")


def try_mutant(program, mutant, arguments):
    """Its run; one that takes too long counts only where the same tests without the fault take a third of the time."""
    run = Run(program, mutant.tests, arguments.skip, mutant.number, arguments.seconds)
    if run.verdict == "endless":
        limit = 3 * Run(program, mutant.tests, arguments.skip, 0, 3600).seconds
        if limit > arguments.seconds:
            run = Run(program, mutant.tests, arguments.skip, mutant.number, limit)
    return run


def run_all(program, chosen, arguments):
    """Tries every fault; returns those that survive."""
    results, survivors = load_results(), []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = {pool.submit(try_mutant, program, m, arguments): m for m in chosen}
        for future in concurrent.futures.as_completed(runs):
            mutant, run = runs[future], future.result()
            results[str(mutant.number)] = [run.verdict, run.by]
            if run.verdict:
                print(f"{mutant.number:4} caught    {run.seconds:4.0f} s  {run.by}: {run.verdict}", flush=True)
            else:
                survivors.append(mutant)
                print(f"{mutant.number:4} SURVIVED  {run.seconds:4.0f} s  {mutant.file}: {mutant.fault}", flush=True)
            with open(RESULTS, "w") as file:
                json.dump(results, file, indent=1)
    return survivors


def load_results():
    if not os.path.isfile(RESULTS):
        return {}
    with open(RESULTS) as file:
        return json.load(file)


def print_table(mutants):
    results = load_results()
    print("| number | file | fault | caught by |\n|---:|---|---|---|")
    for mutant in mutants:
        verdict, by = results.get(str(mutant.number), ("", "not run"))
        note = {"failed": "", "": ""}.get(verdict, f" ({verdict})")
        print(f"| {mutant.number} | {mutant.file.removeprefix('Sources/')} | {mutant.fault} "
              f"| {by or 'SURVIVED'}{note} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", help="the numbers of the faults to try, with commas between")
    parser.add_argument("--sample", action="store_true", help="the short set for CI")
    parser.add_argument("--seconds", type=float, default=60, help="the least time limit of a run (60)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (1: some tests compare times)")
    parser.add_argument("--skip", help="a regular expression of tests that do not run, for those this machine fails")
    parser.add_argument("--list", action="store_true", help="print the faults, build nothing")
    parser.add_argument("--table", action="store_true", help="print them as Markdown, with the last results")
    arguments = parser.parse_args()
    mutants = read_table()
    if arguments.table:
        return print_table(mutants)
    chosen = [m for m in mutants if m.is_of_this_machine and (m.in_sample or not arguments.sample)]
    if arguments.only:
        numbers = {int(number) for number in arguments.only.split(",")}
        chosen = [m for m in mutants if m.number in numbers]
        if len(chosen) < len(numbers):
            raise SystemExit(f"no mutants {sorted(numbers - {m.number for m in chosen})}")
    if arguments.list:
        for mutant in chosen:
            print(f"{mutant.number:4}  {mutant.file}: {mutant.fault}")
        return
    start = time.monotonic()
    os.makedirs(TREE, exist_ok=True)
    write_copy(mutants)
    program = build()
    print(f"{len(mutants)} faults built in ({time.monotonic() - start:.0f} s)", flush=True)
    check_names(program, mutants)
    check_without_faults(program, chosen, mutants, arguments)
    survivors = run_all(program, chosen, arguments)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} faults caught ({time.monotonic() - start:.0f} s in all)")
    if survivors:
        sys.exit(1)


if __name__ == "__main__":
    main()
