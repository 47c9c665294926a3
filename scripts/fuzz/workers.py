"""Numbered cases in worker processes that each take many; the scripts that generate graphs and kernels are run by it.

A worker that dies or hangs takes its one case with it: the case is told as failed with what was said on standard error, and a
new worker goes on with the next. A case hangs where its worker has worked for `SECONDS` of processor time: a machine that is
busy, or that stops its processes for a while, makes none hang.
"""
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse, collections, faulthandler, functools, multiprocessing, multiprocessing.connection, signal, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = 60


def parser(description, count):
    """What all these scripts take."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument("--count", type=int, default=count)
    result.add_argument("--first", type=int, default=0, help="the number of the first case: a run may be given in parts")
    result.add_argument("--minutes", type=float, default=float("inf"), help="begin no case after that time")
    result.add_argument("--seed", type=int, default=1)
    result.add_argument("--case", type=int, help="this case alone")
    result.add_argument("--failures", help="a folder for what failing cases are made of")
    result.add_argument("--jobs", type=int, default=os.cpu_count())
    result.add_argument("--library", default=os.environ.get("LOWRANK_LIBRARY"),
                        help="liblowrank.so as scripts/install.sh makes it; what LOWRANK_LIBRARY names by default")
    return result


def use_library(path):
    """Makes `import lowrank` mean the package of this repository with that library, in workers too."""
    if path is None:
        sys.exit("give --library or set LOWRANK_LIBRARY: scripts/install.sh --prefix DIR makes DIR/lib/liblowrank.so")
    os.environ["LOWRANK_LIBRARY"] = os.path.abspath(path)
    sys.path.insert(0, os.path.join(ROOT, "Python", "src"))


def serve(check, connection, errors):
    """A worker's life: numbers come in, outcomes go out."""
    os.dup2(os.open(errors, os.O_WRONLY | os.O_TRUNC | os.O_APPEND), 2)
    faulthandler.enable()
    while (number := connection.recv()) is not None:
        connection.send(check(number))


class Worker:
    def __init__(self, check):
        self.errors = tempfile.NamedTemporaryFile(prefix="fuzz-")
        self.connection, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(check, other, self.errors.name), daemon=True)
        self.process.start()
        other.close()
        self.number = None

    def begin(self, number):
        self.number, self.worked = number, self.seconds()
        self.connection.send(number)

    def seconds(self):
        """The processor time of the process until now."""
        try:
            with open(f"/proc/{self.process.pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except FileNotFoundError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def outcome(self):
        """What became of the case; raises EOFError where the process died of it."""
        return self.connection.recv()

    def death(self):
        """(outcome, why): how the process ended, and where in Python; a death inside of ONNX Runtime is its own."""
        self.process.join()
        with open(self.errors.name, errors="replace") as file:
            words = [line.strip() for line in file if line.strip()]
        place = next((line for line in words if line.startswith("File ")), (words or ["no word"])[-1])
        code = self.process.exitcode
        how = signal.strsignal(-code) if code < 0 else f"exit code {code}"
        told = f"the process ended: {how}: {place[:300]}"
        return "other" if "site-packages/onnxruntime/" in place else "failed", told

    def kill(self):
        self.process.kill()
        self.process.join()


def outcomes(check, numbers, jobs, end):
    """(number, outcome, why) of each case in the order they end, `check` giving (outcome, why) for a number; none is begun
    after the time `end`."""
    left, working = iter(numbers), []

    def begin(worker):
        number = next(left, None) if time.monotonic() < end else None
        if number is None:
            worker.kill()
        else:
            worker.begin(number)
            working.append(worker)

    for _ in range(max(1, min(jobs, len(numbers)))):
        begin(Worker(check))
    while working:
        ready = multiprocessing.connection.wait([worker.connection for worker in working], timeout=5)
        for worker in [worker for worker in working if worker.connection in ready]:
            working.remove(worker)
            number = worker.number
            try:
                outcome, why = worker.outcome()
            except (EOFError, ConnectionResetError):
                yield number, *worker.death()
                worker = Worker(check)
            else:
                yield number, outcome, why
            begin(worker)
        for worker in [worker for worker in working if worker.seconds() - worker.worked > SECONDS]:
            working.remove(worker)
            worker.kill()
            yield worker.number, "failed", f"no end after {SECONDS} s of processor time"
            begin(Worker(check))


def main(description, check, keep, things):
    """A script whose cases go by the library: `check(seed, number)`, `keep(seed, number, folder)`; the rest as in `run`."""
    options = parser(description, 2000).parse_args()
    use_library(options.library)
    run(functools.partial(check, options.seed), functools.partial(keep, options.seed), options, things)


def run(check, keep, options, things):
    """Runs the cases that the options name and tells of those that did not pass; ends with 1 where one failed, or where more
    than one in twenty did not pass. `keep(number, folder)` writes what a failing case is made of."""
    numbers = range(options.first, options.first + options.count) if options.case is None else [options.case]
    counts, began = collections.Counter(), time.monotonic()
    for number, outcome, why in outcomes(check, numbers, options.jobs, began + 60 * options.minutes):
        counts[outcome] += 1
        if outcome != "passed" or options.case is not None:
            print(f"{outcome} case {number}: {why}", flush=True)
        if outcome == "failed" and options.failures:
            folder = os.path.join(options.failures, f"{options.seed}-{number}")
            os.makedirs(folder, exist_ok=True)
            keep(number, folder)
    told, total = ", ".join(f"{n} {outcome}" for outcome, n in counts.most_common()), counts.total()
    print(f"{total} {things} from {numbers[0]} on of seed {options.seed} in {time.monotonic() - began:.0f} s: {told}")
    sys.exit(1 if counts["failed"] or (total - counts["passed"]) * 20 > total >= 20 else 0)
