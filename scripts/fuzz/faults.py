#!/usr/bin/env python3
"""Let system calls fail under the commands that write files, one at a time, and kill them at any moment.

    python3 scripts/fuzz/faults.py [--kills 200] [--mallocs 200] [--lowrank PATH] [--failures FILE]

A preloaded library (Tests/C/faults.c, built with $CC) makes the n-th open, read, write, fsync, link, rename, mkdir, fstat or
mmap of a command fail, for every n that occurs, with what the system may say there; and kills it at every call that
changes files. Besides, compress, with data and without, moments and tune are killed or interrupted at --kills moments each,
drawn at random, and compress runs on a full disk (where root may mount one) and in a folder that cannot be written to.
Demanded each time, with files of the outputs' names there before and without: exit code 1, one sentence on the standard error, every file as it was and nothing beside it; or exit
code 0 and every file whole. Where the process is killed, each file is the old one or the new one whole, and nothing else is
there but, between its getting a name and its taking its place, one .lowrank.partial-* file. A tune that was killed leaves
its checkpoint besides, from which the same call goes on to the same bytes; one that was interrupted writes its best so far.

Memory is another matter: Swift ends a process that gets none, so of --mallocs failing calls of malloc is demanded what is
demanded of a kill. Needs Linux, Python and a C compiler. Exits with 1 where something else happens.
"""
import argparse, errno, json, math, multiprocessing, os, random, re, shutil, signal, struct, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What may be said by each call; + for this one and all behind it, as on a full disk.
FAULTS = {"open": ["1:EMFILE", "1:EIO"], "read": ["1:EIO"], "write": ["1:EIO", "1:ENOSPC", "+:ENOSPC"], "fsync": ["1:EIO"],
          "link": ["1:EIO", "+:EPERM"], "rename": ["1:EIO"], "mkdir": ["1:ENOSPC"], "fstat": ["1:EIO"],
          "mmap": ["1:ENOMEM"], "fchmod": ["1:EPERM"]}
KILLED_AT = ["open", "write", "fsync", "link", "rename", "unlink", "mkdir"]
EARLIER = b"what was there before"


class Command:
    """A command line, what it reads (files, or what is in them) and what it writes; the file that it goes on from when it was
    killed, where it keeps one."""

    def __init__(self, name, inputs, outputs, arguments, checkpoint=None):
        self.name, self.inputs, self.outputs, self.arguments = name, inputs, outputs, arguments
        self.checkpoint = checkpoint


def images(*shape):
    """A .npy file of random numbers."""
    r, header = random.Random(1), f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}"
    header = header.ljust(117) + "\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
            + struct.pack(f"<{math.prod(shape)}f", *(r.uniform(-1, 1) for _ in range(math.prod(shape)))))


VECTORS = os.path.join(ROOT, "Tests", "Vectors")
CORPUS = os.path.join(ROOT, "Tests", "Fuzzing", "Corpus")
COMMANDS = [
    Command("compress", {"m.onnx": f"{VECTORS}/conv-bn.onnx"}, ["out.onnx", "out.json", "out.html"],
            "compress m.onnx --error 0.5 -o out.onnx --json out.json --report out.html"),
    Command("decompose", {"k.npy": f"{VECTORS}/kernel-rank-deficient.npy"}, ["out.safetensors"],
            "decompose k.npy --method tucker2 --ranks 4,1 -o out.safetensors"),
    Command("reconstruct", {"f.safetensors": f"{CORPUS}/tucker2.safetensors"}, ["out.npy"],
            "reconstruct f.safetensors -o out.npy"),
    Command("moments", {"m.onnx": f"{VECTORS}/conv-bn.onnx", "x.npy": f"{VECTORS}/conv-bn.input.npy"}, ["out.safetensors"],
            "moments m.onnx --images x.npy -o out.safetensors"),
    Command("compress --moments", {"m.onnx": f"{VECTORS}/gemm.onnx", "a.safetensors": f"{CORPUS}/gemm.moments.safetensors"},
            ["out.onnx", "out.json"],
            "compress m.onnx --macs 0.7 --rank-multiple 1 -o out.onnx --json out.json --moments a.safetensors"),
    Command("run", {"m.onnx": f"{VECTORS}/conv-bn.onnx", "x.npy": f"{VECTORS}/conv-bn.input.npy"}, ["out/y.npy", "p.json"],
            "run m.onnx -i x.npy -o out --profile p.json"),
    Command("tune", {"m.onnx": f"{VECTORS}/conv-bn.onnx", "x.npy": images(4, 8, 6, 5)}, ["out.onnx", "out.json"],
            "tune m.onnx --teacher m.onnx --images x.npy --epochs 1 -o out.onnx --json out.json"),
]
DIGITS = {"m.onnx": os.path.join(ROOT, "Examples", "mnist", "mnist.onnx"),
          "x.npy": os.path.join(ROOT, "Examples", "mnist", "test_images.npy")}
LARGE = [
    Command("compress", DIGITS, ["out.onnx", "out.json"], "compress m.onnx --error 0.2 -o out.onnx --json out.json"),
    Command("compress --calibrate", DIGITS, ["out.onnx", "out.json"],
            "compress m.onnx --macs 0.5 --calibrate x.npy --samples 10 -o out.onnx --json out.json"),
    Command("moments", DIGITS, ["out.safetensors"], "moments m.onnx --images x.npy --samples 20 -o out.safetensors"),
    # Its own teacher: it has nothing to learn, but for the noise of small numbers, and takes every step.
    Command("tune", DIGITS, ["out.onnx", "out.json"],
            "tune m.onnx --teacher m.onnx --images x.npy --epochs 1 -o out.onnx --json out.json --checkpoint state",
            checkpoint="state"),
]


class Trial:
    """A folder with a command's inputs, and with earlier files in the outputs' places where there are to be some."""

    def __init__(self, command, has_earlier, folder):
        self.command, self.has_earlier, self.folder = command, has_earlier, folder
        for name, source in command.inputs.items():
            if isinstance(source, bytes):
                with open(os.path.join(folder, name), "wb") as file: file.write(source)
            else: shutil.copy(source, os.path.join(folder, name))
        if has_earlier:
            for name in command.outputs:
                os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
                with open(os.path.join(folder, name), "wb") as file: file.write(EARLIER)
        self.inputs = {name: self.read(name) for name in command.inputs}

    def read(self, name):
        try:
            with open(os.path.join(self.folder, name), "rb") as file: return file.read()
        except FileNotFoundError:
            return None

    def start(self, environment):
        environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", SWIFT_BACKTRACE="enable=no", **environment)
        return subprocess.Popen([OPTIONS.lowrank] + self.command.arguments.split(), cwd=self.folder, env=environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def is_new(self, name, data):
        """Whether an output is whole: as without a fault, but for what tells of time."""
        if data is None or data == EARLIER: return False
        if name.endswith(".json"):
            try:
                json.loads(data)
                return True
            except ValueError:
                return False
        if name.endswith(".html"): return data.rstrip().endswith(b"</html>")
        return data == OPTIONS.expected[self.command.arguments][name]

    def judge(self, status, errors, is_killed, is_interrupted=False):
        """What is wrong, or None."""
        outputs = {name: self.read(name) for name in self.command.outputs}
        olds = [data == (EARLIER if self.has_earlier else None) for data in outputs.values()]
        news = [self.is_new(name, data) for name, data in outputs.items()]
        if is_interrupted and self.command.checkpoint and status == 0:
            # The best so far: the structure is the same, and so is the length.
            news = [new or len(data or b"") == len(OPTIONS.expected[self.command.arguments][name])
                    for (name, data), new in zip(outputs.items(), news)]
        if any(self.read(name) != data for name, data in self.inputs.items()): return "an input changed"
        for (name, data), old, new in zip(outputs.items(), olds, news):
            if not old and not new: return f"{name} is neither the old file nor the new one whole"
        known = set(self.command.inputs) | set(self.command.outputs)
        there = {os.path.relpath(os.path.join(at, name), self.folder)
                 for at, _, names in os.walk(self.folder) for name in names}
        others = there - known
        if is_killed and status < 0:
            extra = [name for name in others - {self.command.checkpoint} if not re.match(r"(out/)?\.lowrank\.partial-", name)]
            return f"{extra} left" if extra else None
        if others: return f"{sorted(others)} left"
        if status == 0: return None if all(news) else "exit 0 and an old file"
        if status != 1: return f"exit {status}" if status > 0 else signal.Signals(-status).name
        if not all(olds): return "exit 1 and a new file"
        if not self.has_earlier and os.path.isdir(os.path.join(self.folder, "out")): return "exit 1 and a folder left"
        # tune tells of its steps there too.
        lines = errors.strip().splitlines()[-1 if self.command.name == "tune" else 0:]
        return None if len(lines) == 1 and lines[0].startswith("Error: ") else f"exit 1 and says {errors.strip()!r}"


def run_trial(task):
    """Runs a command with a fault. Gives the task, its exit code and what is wrong."""
    command, has_earlier, fault = task
    with tempfile.TemporaryDirectory(prefix="lowrank-faults-", dir=OPTIONS.work) as folder:
        trial = Trial(command, has_earlier, folder)
        with trial.start({"LD_PRELOAD": OPTIONS.library, "LOWRANK_FAULT": fault}) as process:
            try:
                _, errors = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                return task, None, "no end within a minute"
        is_killed = fault.startswith("malloc") or fault.endswith("kill")
        return task, process.returncode, trial.judge(process.returncode, errors.decode("utf-8", "replace"), is_killed)


def tasks_of(command):
    """Every call of a command that can fail, each way it can."""
    r = random.Random(OPTIONS.seed)
    with tempfile.TemporaryDirectory(dir=OPTIONS.work) as folder:
        trial = Trial(command, False, folder)
        counts = os.path.join(OPTIONS.work, "counts")
        with trial.start({"LD_PRELOAD": OPTIONS.library, "LOWRANK_FAULT_COUNTS": counts}) as process:
            _, errors = process.communicate()
        if process.returncode: sys.exit(f"{command.arguments}: {errors.decode()}")
        OPTIONS.expected[command.arguments] = {name: trial.read(name) for name in command.outputs}
        with open(counts) as file: counts = {name: int(count) for name, count in map(str.split, file)}
    tasks = []
    for has_earlier in (False, True):
        # Files that are there cost a few calls more.
        for call, ways in FAULTS.items():
            for n in range(1, counts[call] + (4 if has_earlier else 1)):
                for way in ways:
                    tasks.append((command, has_earlier, f"{call}:{n}{way.replace('1:', ':', 1)}"))
        for call in KILLED_AT:
            for n in range(1, counts[call] + (4 if has_earlier else 1)):
                tasks.append((command, has_earlier, f"{call}:{n}:kill"))
        for n in sorted(r.sample(range(1, counts["malloc"]), min(OPTIONS.mallocs, counts["malloc"] - 1) // 2)):
            tasks.append((command, has_earlier, f"malloc:{n}:ENOMEM"))
    def numbers(fault):
        return re.sub(r"E\w+$", lambda found: str(getattr(errno, found[0])), fault)

    return [(command, has_earlier, numbers(fault)) for command, has_earlier, fault in tasks]


def run_kill(task):
    """Kills or interrupts a longer command at a moment. Gives the task, its exit code and what is wrong."""
    command, number, seconds = task
    r = random.Random(f"{OPTIONS.seed}/{command.name}/{number}")
    with tempfile.TemporaryDirectory(prefix="lowrank-kill-", dir=OPTIONS.work) as folder:
        trial = Trial(command, number % 2 == 0, folder)
        signal_sent = r.choice([signal.SIGKILL, signal.SIGINT])
        with trial.start({}) as process:
            time.sleep(r.uniform(0, 1.1 * seconds))
            process.send_signal(signal_sent)
            _, errors = process.communicate()
        wrong = trial.judge(process.returncode, errors.decode("utf-8", "replace"), True, signal_sent == signal.SIGINT)
        if wrong is None and process.returncode < 0 and command.checkpoint: wrong = go_on(trial)
        return task, process.returncode, wrong


def go_on(trial):
    """Runs a command again that was killed, with what it left there. Gives what is wrong, or None."""
    for name in os.listdir(trial.folder):
        if name.startswith(".lowrank.partial-"): os.remove(os.path.join(trial.folder, name))
    with trial.start({}) as process: _, errors = process.communicate()
    wrong = trial.judge(process.returncode, errors.decode("utf-8", "replace"), False)
    return wrong and f"gone on from a checkpoint: {wrong}"


def full_disks():
    """Runs compress on disks of several sizes, and in a folder that cannot be written to. Gives how many and the faults."""
    faults, count = [], 0
    for size in (0, 4, 8, 16, 32, 64, 128, 256):
        with tempfile.TemporaryDirectory(dir=OPTIONS.work) as folder:
            command = COMMANDS[0]
            mount = ["mount", "-t", "tmpfs", "-o", f"size={max(size, 16) + 16}k", "tmpfs", folder]
            if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
                print("disks of their own cannot be mounted here: full and read-only ones are not tried")
                return count, faults
            try:
                trial = Trial(command, True, folder)
                if size == 0: subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
                with trial.start({}) as process:
                    _, errors = process.communicate()
                fault = trial.judge(process.returncode, errors.decode("utf-8", "replace"), False)
                if size == 0 and process.returncode != 1: fault = f"exit {process.returncode} in a read-only folder"
                count += 1
                if fault: faults.append((f"a disk of {size} KiB", process.returncode, fault))
            finally:
                subprocess.run(["umount", folder], check=True)
    return count, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="random moments a command (default 200)")
    parser.add_argument("--mallocs", type=int, default=200, help="calls of malloc a command (default 200)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--lowrank", default=os.environ.get("LOWRANK") or os.path.join(ROOT, ".build", "release", "lowrank"))
    global OPTIONS
    OPTIONS = parser.parse_args()
    OPTIONS.lowrank = os.path.abspath(OPTIONS.lowrank)
    OPTIONS.expected, faults, began = {}, [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lowrank-faults-") as work:
        OPTIONS.work, OPTIONS.library = work, os.path.join(work, "faults.so")
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", OPTIONS.library,
                        os.path.join(ROOT, "Tests", "C", "faults.c"), "-ldl"], check=True)
        tasks = [task for command in COMMANDS for task in tasks_of(command)]
        kills = []
        for command in LARGE:
            tasks_of(command)
            start = time.monotonic()
            tasks_of(command)
            seconds = time.monotonic() - start
            kills += [(command, number, seconds) for number in range(OPTIONS.kills)]
        with multiprocessing.Pool(min(2, os.cpu_count() or 1)) as pool:
            exits = {}
            for (command, has_earlier, fault), status, wrong in pool.imap_unordered(run_trial, tasks, 4):
                kind = "killed" if status is not None and status < 0 else f"exit {status}"
                exits.setdefault(command.name, {}).setdefault(kind, []).append(fault)
                if wrong: faults.append((f"{command.name} {fault}{' over earlier files' if has_earlier else ''}", status, wrong))
            for name, kinds in exits.items():
                print(f"{name:20} {sum(map(len, kinds.values())):5} faults: "
                      + ", ".join(f"{kind} {len(found)}" for kind, found in sorted(kinds.items())))
            ended = {command.name: 0 for command in LARGE}
            for (command, number, _), status, wrong in pool.imap_unordered(run_kill, kills):
                ended[command.name] += status >= 0
                if wrong: faults.append((f"{command.name}, kill {number} of seed {OPTIONS.seed}", status, wrong))
        for name, count in ended.items():
            print(f"{name:20} {OPTIONS.kills:5} moments to be killed or interrupted at, {count} of them behind the end")
        disks, wrong = full_disks()
        faults += wrong
        if disks: print(f"{disks} full or read-only disks")
    for what, status, wrong in faults: print(f"FAIL  {what}: {wrong} ({status})")
    print(f"{len(faults)} failed, {time.monotonic() - began:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
