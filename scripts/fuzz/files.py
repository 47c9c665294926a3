#!/usr/bin/env python3
"""Give broken files to every command of `lowrank` and check that it refuses them as it should.

    python3 scripts/fuzz/files.py [--count 10000] [--seed 1] [--lowrank PATH] [--failures FOLDER] [--case N]

The models, arrays and factors of Tests/Vectors and Examples are cut off, overwritten, rearranged and edited where their
formats hold lengths, extents and names; nodes with absurd integers are put in front of layers; paths are made missing,
directories, devices or unwritable. Of each run is demanded: exit code 0 or 1 (64 only where the options were changed too),
so no signal and no trap; with 1, a message of one line on the standard error that names a file of the case, and no output
file nor a part of one; with 0, the output, which the command that takes it must accept, and no control characters in
what is printed. More than 10 seconds of the processor's time, a minute in all, or 4 GiB of memory is a failure.

A case depends on the seed and its number alone: --case N runs one, and prints what came out. Failing cases are kept,
each in a folder of its own with its files and command line. Needs nothing but Python. Exits with 1 where a case fails.
"""
import argparse, json, multiprocessing, os, random, re, resource, shutil, signal, struct, subprocess, sys, tempfile
import time
from xml.etree import ElementTree

from edits import EDITS, append, edit, flip_bits, truncate

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS, BYTES = 10, 4 << 30


# Cases

class Seeds:
    """The sound files that cases start from: those of the repository, and factors of each form."""

    def __init__(self, lowrank, folder):
        vectors = os.path.join(ROOT, "Tests", "Vectors")
        self.folder, self.files = folder, {"onnx": [], "npy": [], "safetensors": []}
        for name in sorted(os.listdir(vectors)):
            kind = name.rpartition(".")[2]
            if kind == "bin" or kind in self.files and not re.search(r"\.(input|output)\.npy$", name):
                shutil.copy(os.path.join(vectors, name), folder)
                if kind in self.files:
                    self.files[kind].append(name)
        shutil.copy(os.path.join(ROOT, "Examples", "mnist", "mnist.onnx"), folder)
        # The example is large and so slow: it is one of many.
        self.files["onnx"].append("mnist.onnx")
        # What networks run on: the input that most of the test models take.
        shutil.copy(os.path.join(vectors, "conv2d.input.npy"), os.path.join(folder, "image.npy"))
        r = random.Random(1)
        for name, shape in (("kernel.npy", (16, 12, 3, 3)), ("kernel1d.npy", (9, 7, 5)), ("matrix.npy", (20, 30))):
            count = 1
            for extent in shape:
                count *= extent
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
            values = struct.pack(f"<{count}f", *(r.gauss(0, 1) for _ in range(count)))
            with open(os.path.join(folder, name), "wb") as file:
                file.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + values)
            self.files["npy"] += [name] * 5
        for kernel, method, ranks in (
                ("kernel", "tucker2", "4,5"), ("kernel1d", "tucker2", "3,2"), ("kernel", "spatial", "4"),
                ("kernel", "spatial-mirrored", "4"), ("kernel", "channel", "4"), ("kernel", "channel-mirrored", "4"),
                ("kernel", "cp3", "3"), ("kernel", "cp4", "2"),
                ("matrix", "svd", "6")):
            name = f"{kernel}-{method}.safetensors"
            subprocess.run(
                [lowrank, "decompose", f"{kernel}.npy", "-o", name, "--method", method, "--ranks", ranks],
                cwd=folder, check=True, stdout=subprocess.DEVNULL)
            self.files["safetensors"] += [name] * 3

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()


def options_of(r, command):
    """Sound options, few enough that a mutated file is what a case is about."""
    if command in ("inspect", "compress"):
        ranks = [[], ["--error", "0.5"], ["--energy", "0.8"], ["--ranks-ratio", "0.4", "--rank-multiple", "1"]]
        if command == "compress":
            ranks += [["--macs", "0.5"], ["--params", "0.4"]]
        methods = ["tucker2", "svd", "spatial", "channel", "cp3", "cp4"]
        options = r.choice(ranks) + r.choice([[], [], ["--method", r.choice(methods)], ["--no-fold-batch-norm"]])
        if command == "inspect":
            return options + r.choice([[], ["--json"]])
        options += r.choice([[], [], ["--report", "page.html"]])
        return options + r.choice([[], ["--json"], ["--json", "report.json"]])
    if command == "bench model":
        return ["--reps", "1"] + r.choice([[], ["--json"], ["--layers"], ["--winograd", "off"]])
    if command == "run":
        return ["-i", "image.npy"] + r.choice([[], ["--json"], ["--winograd", "off"]])
    if command in ("decompose", "bench decompose"):
        method = r.choice(["tucker2"] * 4 + ["svd", "spatial", "spatial-mirrored", "channel", "channel-mirrored",
                                             "cp3", "cp4"])
        options = ["--method", method, "--ranks", "2,2" if method == "tucker2" else "2"]
        if method == "tucker2":
            options += ["--algorithm", r.choice(["hosvd", "st-hosvd", "hooi"])]
        return options + r.choice([[], ["--json"]]) + (["--reps", "1"] if command == "bench decompose" else [])
    return []


def odd_options(r, command):
    """Options that may be wrong usage."""
    number = r.choice(["0", "-1", "1", "0.5", "nan", "inf", "-inf", "1e-320", "1e400", "x", "",
                       "99999999999999999999", "0x1p-3"])
    whole = r.choice(["0", "-1", "1", "7", "9223372036854775807", "9223372036854775808", "x", "", "1.5"])
    text = r.choice(["(", "[", "a{99999}", "(?<=a+)", ".*", "", "\\", "(a*)*b", "conv.*"])
    shape = r.choice(["=1,3,8,8", "x", "x=", "x=1,3,8,8", "image=1,1,28,28", "image=0,1,28,28", "x=-1,3,8,8",
                      "image=1,1,4611686018427387904,28", "x=" + "9" * 40])
    ranks = r.choice(["0,0", "-1,2", "1", "1,1,1", ",", "", "x", "9223372036854775807,9223372036854775807",
                      "99999999999999999999,1", "1,2", "16,12", "17,12", "1.5,2"])
    if command in ("inspect", "compress"):
        return r.choice([
            ["--energy", number], ["--error", number], ["--ranks-ratio", number], ["--macs", number], ["--params", number],
            ["--sweep", r.choice([number, "0.3,0.5", ","])], ["--layers", text], ["--skip", text], ["--method", "nonsense"],
            ["--rank-multiple", whole], ["--input-shape", shape], ["--threads", whole if whole != "7" else "2"]])
    if command in ("bench model", "run"):
        return ["-i", "image.npy"] * (command == "run") + r.choice([
            ["--threads", whole], ["--winograd", "x"],
            ["--output", text] if command == "run" else ["--input-shape", shape, "--reps", "1"]])
    if command in ("decompose", "bench decompose"):
        return r.choice([
            ["--method", r.choice(["tucker2", "svd", "spatial", "x"]), "--ranks", ranks],
            ["--method", "tucker2", "--ranks", "2,2", "--threads", whole],
            ["--method", "tucker2", "--ranks", "2,2", "--algorithm", "x"]])
    return [["--json"], ["--nonsense"], ["more"]][r.randrange(3)]


TAKES = {"inspect": "onnx", "compress": "onnx", "decompose": "npy", "bench decompose": "npy",
         "reconstruct": "safetensors", "bench model": "onnx", "run": "onnx"}
WRITES = {"compress": "out.onnx", "decompose": "out.safetensors", "reconstruct": "out.npy"}


class Case:
    """Files in a folder, and a command line."""

    def __init__(self, seed, number, seeds, folder):
        r = random.Random(f"{seed}/{number}")
        self.number, self.folder = number, folder
        self.command = r.choice(["inspect", "compress", "compress", "decompose", "reconstruct", "reconstruct",
                                 "bench decompose", "bench model", "run", "run"])
        self.usage, self.output, self.earlier = False, None, None
        kind = TAKES[self.command]
        if r.random() < 0.04:
            kind = r.choice(list(EDITS))
        self.what = []
        name = r.choice(seeds.files[kind])
        data = seeds.read(name)
        # Not too large for thousands of runs: of the example only a part of the cases.
        if name == "mnist.onnx" and r.random() < 0.5:
            name = "conv2d.onnx"
            data = seeds.read(name)
        self.input = "case." + kind
        self.write_input(r, kind, data)
        self.put_companions(r, kind, seeds)
        arguments = self.command.split() + [self.input]
        if r.random() < 0.06:
            self.usage = True
            arguments += odd_options(r, self.command)
            if self.command.endswith("decompose") and "--method" not in arguments:
                arguments += ["--method", "tucker2", "--ranks", "2,2"]
            self.what.append("options")
        else:
            arguments += options_of(r, self.command)
        if self.command != "reconstruct" and "--threads" not in arguments:
            arguments += ["--threads", "1"]
        # A sweep prints figures alone, and goes with no output.
        if self.command in WRITES and ("--sweep" not in arguments or r.random() < 0.1):
            arguments += ["-o", self.place_output(r)]
        self.arguments = arguments
        self.before = self.listing()

    def write_input(self, r, kind, data):
        path = os.path.join(self.folder, self.input)
        choice = r.random()
        if choice < 0.02:
            self.what.append(r.choice(["missing", "directory", "empty", "device", "pipe", "link to itself",
                                       "long name", "below a file"]))
            self.odd_input(r, path)
            return
        for _ in range(r.choice([1, 1, 1, 2])):
            if data:
                done, data = edit(r, kind, data)
                self.what.append(done)
        with open(path, "wb") as file:
            file.write(data)

    def odd_input(self, r, path):
        kind = self.what[-1]
        if kind == "directory":
            os.mkdir(path)
        elif kind == "empty":
            open(path, "wb").close()
        elif kind == "device":
            self.input = r.choice(["/dev/zero", "/dev/null"])
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind == "link to itself":
            os.symlink(self.input, path)
        elif kind == "long name":
            self.input = "x" * 300
        elif kind == "below a file":
            open(path, "wb").close()
            self.input += "/file"

    def put_companions(self, r, kind, seeds):
        """The external data of a model, or what became of them."""
        if kind != "onnx":
            return
        if self.command == "run":
            with open(os.path.join(self.folder, "image.npy"), "wb") as file:
                file.write(seeds.read("image.npy"))
        for name in ("conv-external.weights.bin", "conv-external.biases.bin"):
            if r.random() < 0.15:
                self.what.append("external data missing")
                continue
            data = seeds.read(name)
            path = os.path.join(self.folder, name)
            if r.random() < 0.1:
                self.what.append("external data edited")
                data = r.choice([truncate, flip_bits, append])(r, data)
            elif r.random() < 0.03:
                self.what.append("external data a directory")
                os.mkdir(path)
                continue
            with open(path, "wb") as file:
                file.write(data)

    def place_output(self, r):
        self.output = name = WRITES[self.command]
        choice = r.random()
        if choice < 0.80:
            return name
        path = os.path.join(self.folder, name)
        if choice < 0.9:
            self.what.append("output there already")
            self.earlier = b"earlier"
            with open(path, "wb") as file:
                file.write(self.earlier)
            return name
        self.what.append("output unwritable")
        self.output = r.choice(["missing-folder/" + name, name, self.input + "/" + name, "x" * 300, "."])
        if self.output == name:
            os.mkdir(path)
        return self.output

    def listing(self):
        return sorted(os.path.join(at, name) for at, folders, names in os.walk(self.folder) for name in folders + names)

    def judge(self, status, printed, errors):
        """What is wrong with how it ended, or None."""
        if status is None:
            return "timeout"
        if status < 0:
            return f"signal {signal.Signals(-status).name}"
        if status == 64 and self.usage:
            return None if errors.strip() else "exit 64 without a message"
        if status not in (0, 1):
            return f"exit {status}"
        if status == 1:
            if not errors.strip():
                return "exit 1 without a message"
            named = [self.input, self.output, "report.json", "page.html"] + [os.path.basename(path) for path in self.before]
            if self.command == "run": named.append("input '")
            # An external data file is one whatever name the edited model gives it.
            external = ": cannot be read: " in errors
            if not self.usage and not external and not any(name and name in errors for name in named):
                return "the message names no file"
            if not self.usage and len(errors.strip().splitlines()) > 1:
                return "a message of several lines"
            if set(self.listing()) - set(self.before):
                return "exit 1 and an output or a part of one"
            if self.output and self.earlier is not None and self.read_output() != self.earlier:
                return "exit 1 and an earlier output changed"
            return None
        if any(".partial-" in path for path in self.listing()):
            return "exit 0 and a part left"
        if "--json" not in self.arguments and re.search("[\0-\t\v-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", printed):
            return "exit 0 and control characters in what it prints"
        # The condition of a CP model may be infinite: a zero kernel's is.
        # Of a mutated network's outputs it says what they are.
        if self.command != "run" and re.search(r"\bnan\b|(?<!condition )\binf\b", printed):
            return "exit 0 and a number that is none"
        if "--json" in self.arguments and "report.json" not in self.arguments:
            try:
                json.loads(printed)
            except ValueError:
                return "exit 0 and JSON that cannot be read"
        page = os.path.join(self.folder, "page.html")
        if os.path.isfile(page):
            try:
                ElementTree.parse(page)
            except ElementTree.ParseError:
                return "exit 0 and a page that is not well-formed"
        if self.output and not os.path.isfile(os.path.join(self.folder, self.output)):
            return "exit 0 without an output"
        return None

    def read_output(self):
        with open(os.path.join(self.folder, self.output), "rb") as file:
            return file.read()


def launch(arguments, folder):
    """Runs a command. Gives its exit code (None where it takes too long), what it printed and its errors."""
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", SWIFT_BACKTRACE="enable=no")
    with subprocess.Popen(arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        try:
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (SECONDS, SECONDS))
        except ProcessLookupError:
            pass  # it is done already
        try:
            printed, errors = process.communicate(timeout=6 * SECONDS)
            status = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            printed, errors = process.communicate()
            status = None
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        status = None
    return status, printed.decode("utf-8", "replace"), errors.decode("utf-8", "replace")


def run_case(number):
    """Runs one case. Gives its exit code and, where it fails, the kind of failure."""
    options, seeds = run_case.context
    folder = tempfile.mkdtemp(prefix=f"{number}-", dir=options.work)
    try:
        case = Case(options.seed, number, seeds, folder)
        status, printed, errors = launch([options.lowrank] + case.arguments, folder)
        fault = case.judge(status, printed, errors)
        then = {"compress": ["inspect", case.output], "decompose": ["reconstruct", case.output, "-o",
            "again.npy"]}.get(case.command)
        if fault is None and status == 0 and case.output and then:
            # What was written must be accepted by the command that takes it.
            again, _, errors = launch([options.lowrank] + then, folder)
            if again != 0:
                fault = f"its output is refused by {then[0]} ({again})"
        if fault:
            keep(options, case, fault, status, errors, seeds)
        return number, case.command, status, fault, summary(errors), case.what
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def summary(errors):
    """The line that tells failures apart, without the numbers that differ from case to case."""
    lines = [line for line in errors.splitlines() if "rror" in line] or errors.splitlines() or [""]
    return re.sub(r"\d+", "N", lines[0])[:200]


def keep(options, case, fault, status, errors, seeds):
    """Makes the failing case anew in a folder that stays."""
    folder = os.path.join(options.failures, f"{options.seed}-{case.number}")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    Case(options.seed, case.number, seeds, folder)
    with open(os.path.join(folder, "COMMAND.txt"), "w") as file:
        file.write(f"# {fault}; edits: {', '.join(case.what)}; python3 scripts/fuzz/files.py --seed {options.seed} --case {case.number}\n"
                   f"lowrank {' '.join(json.dumps(a) if not a or set(a) & set(' ()[]{}*?') else a for a in case.arguments)}\n"
                   f"# {'no end' if status is None else f'ended with {status}'}\n{errors}")


def start(options, seeds):
    run_case.context = options, seeds
    # Inherited by every run. A core file of each failing case would fill the disk.
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def find_command(given):
    for path in (given, os.environ.get("LOWRANK"), os.path.join(ROOT, ".build", "release", "lowrank"),
                 shutil.which("lowrank")):
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    sys.exit("files.py: no lowrank: build it with `swift build -c release --product lowrank`, or give --lowrank PATH.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case (default 0)")
    parser.add_argument("--case", type=int, help="run this one alone and print what came out")
    parser.add_argument("--lowrank", help="the command (default: $LOWRANK, the release build, or the one on the PATH)")
    parser.add_argument("--failures", default="fuzz-failures", help="where failing cases go (default ./fuzz-failures)")
    options = parser.parse_args()
    options.lowrank, options.failures = find_command(options.lowrank), os.path.abspath(options.failures)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lowrank-fuzz-") as work:
        options.work = work
        sound = os.path.join(work, "seeds")
        os.mkdir(sound)
        seeds = Seeds(options.lowrank, sound)
        numbers = range(options.first, options.first + options.count) if options.case is None else [options.case]
        exits, faults = {}, {}
        with multiprocessing.Pool(min(2, os.cpu_count() or 1), start, (options, seeds)) as pool:
            for number, command, status, fault, said, what in pool.imap_unordered(run_case, numbers, 8):
                exits.setdefault(command, {}).setdefault(status, []).append(number)
                if fault:
                    faults.setdefault((fault, command, said), []).append(number)
                if options.case is not None:
                    print(f"{command}, {', '.join(what)}: exit {status}: {fault or 'as it should be'}\n{said}")
    print(f"seed {options.seed}: {len(numbers)} cases in {time.monotonic() - began:.0f} s")
    for command, statuses in sorted(exits.items()):
        print(f"  {command:16}" + ", ".join(f"exit {status}: {len(found)}" for status,
                                            found in sorted(statuses.items(), key=str)))
    for (fault, command, said), found in sorted(faults.items(), key=lambda one: -len(one[1])):
        print(f"FAIL  {len(found)} x {command}: {fault}: {said}   (cases {', '.join(map(str, sorted(found)[:5]))})")
    if faults:
        print(f"{sum(map(len, faults.values()))} cases failed; they are in {options.failures}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
