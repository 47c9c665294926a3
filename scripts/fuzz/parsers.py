#!/usr/bin/env python3
"""Give each parser of this package many broken inputs, without a process for each.

    python3 scripts/fuzz/parsers.py [--count 20000] [--parsers npy,model] [--seed 1] [--fuzzing PATH] [--failures FOLDER]

The executable Fuzzing (`swift build -c release --product Fuzzing`) takes inputs from a pipe; see Tests/Fuzzing. Inputs are
the files of Tests/Vectors and Tests/Fuzzing/Corpus, cut off, overwritten and edited where their formats hold lengths,
extents and names; one that is accepted is edited further now and then. Demanded of each input: it is taken or refused with a
sentence on one line that names it, what must hold of every input that is taken does (Parser.swift), and the process lives,
answers within 5 s of its processor time and stays below 1 GiB of memory. What fails is kept in a file of its own, which

    python3 scripts/fuzz/parsers.py FILE...

gives to its parser again. Needs nothing but Python. Prints a line a parser; exits with 1 where an input fails.
"""
import argparse, fcntl, multiprocessing, os, random, re, resource, select, signal, struct, subprocess, sys, tempfile, time, zlib

from edits import EDITS, RAW, edit

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS, BYTES = 5, 1 << 30
BATCH, LARGEST = 64, 1 << 16
PARSERS = {"npy": "npy", "safetensors": "safetensors", "model": "onnx", "rewrite": "onnx", "run": "onnx", "image": "image",
           "sensitivities": "json", "moments": "safetensors", "times": "json", "checkpoint": "safetensors"}
ENDINGS = {"image": (".png", ".jpg"), "sensitivities": (".sensitivities.json",), "moments": (".moments.safetensors",),
           "times": (".times.json",), "checkpoint": (".checkpoint.safetensors",)}


# Edits of what edits does not know

def edit_image(r, data):
    """A chunk of a PNG with its checksum made right, or a segment of a JPEG."""
    if not data.startswith(b"\x89PNG"):
        marks = [at for at in range(len(data) - 4) if data[at] == 0xFF and data[at + 1] not in (0, 0xFF)]
        at = r.choice(marks) + r.randrange(2, 20)
        return data[:at] + r.randbytes(r.choice([1, 1, 2])) + data[at + 1 :]
    chunks, at = [], 8
    while at + 12 <= len(data):
        count = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + count]))
        at += 12 + count
    place = r.randrange(len(chunks))
    name, body = chunks[place]
    choice = r.random()
    if choice < 0.1:
        chunks.pop(place)
    elif choice < 0.2:
        chunks.insert(r.randrange(len(chunks) + 1), chunks[place])
    elif choice < 0.4 and name == b"IDAT":
        pixels = zlib.decompressobj().decompress(body, LARGEST)
        chunks[place] = (name, zlib.compress(r.choice(RAW)(r, pixels or b"\0"), 1))
    elif choice < 0.6 and name == b"IHDR":
        width, height = r.choice([1, 2, 7, 30, 1 << 13, 1 << 26, (1 << 31) - 1, 0]), r.choice([1, 2, 7, 1 << 13, 0])
        kind = bytes([r.choice([1, 2, 4, 8, 16]), r.choice([0, 2, 3, 4, 6]), 0, 0, r.choice([0, 1])])
        chunks[place] = (name, struct.pack(">II", width, height) + kind)
    else:
        chunks[place] = (r.choice([name, name, b"tRNS", b"gAMA", b"zTXt", b"iCCP"]), r.choice(RAW)(r, body or b"\0"))
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks)


def edit_json(r, data):
    """A value or a bracket of JSON text."""
    at = r.randrange(len(data) + 1)
    more = r.choice([b"1e400", b"-1", b"null", b'"x"', b"[" * 5000, b'{"a":' * 5000, b"}", b",", b'"\\ud800"', b"\xff", b"NaN",
                     b"0" * 400, b"\0", b"1" * 400, b'"a":2,', b"-0", b"\xef\xbb\xbf", b"/* */", b"1e-400", b"Infinity"])
    return data[:at] + more + data[at + r.randrange(4) :]


EDITS.update(image=edit_image, json=edit_json)


class Corpus:
    """What inputs are made of: sound files, and some of the accepted ones that came of them."""

    def __init__(self, parser):
        self.kind, self.sound, self.grown = PARSERS[parser], [], []
        endings = ENDINGS.get(parser, ("." + self.kind,))
        for folder in ("Tests/Vectors", "Tests/Vectors/network", "Tests/Vectors/images", "Tests/Fuzzing/Corpus"):
            for name in sorted(os.listdir(os.path.join(ROOT, folder))):
                if name.endswith(endings):
                    with open(os.path.join(ROOT, folder, name), "rb") as file: self.sound.append(file.read())

    def make(self, r):
        data = r.choice(self.grown if self.grown and r.random() < 0.3 else self.sound)
        for _ in range(r.choice([1, 1, 1, 2, 4])):
            if data: data = edit(r, self.kind, data)[1]
        return data[:LARGEST]

    def keep(self, r, data):
        """Takes an accepted input among those that are edited further; of 500 a random one goes."""
        if len(self.grown) < 500:
            self.grown.append(data)
        elif r.random() < 0.1:
            self.grown[r.randrange(500)] = data


class Process:
    """One parser, waiting for inputs."""

    def __init__(self, fuzzing, parser, backtrace="enable=no"):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [fuzzing, parser], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, preexec_fn=self.limit,
            env=dict(os.environ, OPENBLAS_NUM_THREADS="1", SWIFT_BACKTRACE=backtrace))
        os.set_blocking(self.process.stdin.fileno(), False)
        fcntl.fcntl(self.process.stdin.fileno(), fcntl.F_SETPIPE_SZ, 1 << 20)
        self.waiting = b""

    @staticmethod
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def give(self, inputs):
        self.waiting += b"".join(struct.pack("<I", len(one)) + one for one in inputs)
        self.write()

    def write(self):
        try:
            self.waiting = self.waiting[os.write(self.process.stdin.fileno(), self.waiting) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.waiting = b""

    def answers(self, count):
        """The answers to what was given; fewer where the process died or hangs, then with what became of it."""
        answers, watched, out = b"", None, self.process.stdout.fileno()
        while len(answers) < count:
            readable, _, _ = select.select([out], [self.process.stdin] if self.waiting else [], [], 0.5)
            if self.waiting: self.write()
            if readable:
                more = os.read(out, count - len(answers))
                if not more: return answers, self.end()
                answers, watched = answers + more, None
                continue
            watched = watched or self.processor_time()
            if self.processor_time() - watched > SECONDS - 0.5:
                self.process.kill()
                self.end()
                return answers, "no answer within 5 s"
        return answers, None

    def processor_time(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.stdin = None
        status = self.process.wait()
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit {status}"

    def said(self):
        """The last line on the standard error."""
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else ""

    def places(self):
        """Where it died: the lines of the backtrace that lie in this package."""
        self.errors.seek(0)
        lines = self.errors.read().decode("utf-8", "replace").splitlines()
        return [re.sub(r"^\s*\d+ (\[.*?\] )*0x\w+ ", "", line) for line in lines if " at " in line and "/Sources/" in line]


def fuzz(task):
    """Gives one parser its inputs. Gives the parser, how many were accepted and refused, the seconds, and the failures."""
    options, parser, seed, count = task
    r, corpus, began = random.Random(f"{parser}/{seed}"), Corpus(parser), time.monotonic()
    counts, failures = {b"a": 0, b"r": 0}, {}
    process, made = Process(options.fuzzing, parser), 0
    ahead = []
    while made < count or ahead:
        # Inputs are made while the process works on those before them.
        given = ahead
        process.give(given)
        ahead = [corpus.make(r) for _ in range(min(BATCH, count - made))]
        made += len(ahead)
        while given:
            answers, death = process.answers(len(given))
            for data, answer in zip(given, answers):
                answer = bytes([answer])
                if answer in counts:
                    counts[answer] += 1
                    if answer == b"a": corpus.keep(r, data)
                else:
                    fail(options, failures, parser, data, process.said())
            given = given[len(answers) :]
            if death:
                fail(options, failures, parser, given[0], f"{death}: {process.said()}")
                process, given = Process(options.fuzzing, parser), given[1:]
                process.give(given)
    process.process.stdin.close()
    process.process.wait()
    return parser, counts[b"a"], counts[b"r"], time.monotonic() - began, failures


def fail(options, failures, parser, data, what):
    """Keeps the first ten inputs of each fault."""
    kept = failures.setdefault(what[:160], [])
    name = os.path.join(options.failures, f"{parser}-{zlib.crc32(data):08x}")
    kept.append(name)
    if len(kept) > 10: return
    os.makedirs(options.failures, exist_ok=True)
    with open(name, "wb") as file: file.write(data)


def give(options, paths):
    """Gives files to the parsers that their names begin with, and says what came of each."""
    bad = 0
    for path in paths:
        parser = os.path.basename(path).partition("-")[0]
        with open(path, "rb") as file: data = file.read()
        process = Process(options.fuzzing, parser, "enable=yes,color=no,interactive=no,threads=crashed,images=none")
        process.give([data])
        answers, death = process.answers(1)
        bad += answers not in (b"a", b"r")
        print(f"{path}: {death or answers.decode()} {'' if death else process.said()}")
        for place in process.places()[:5]: print(f"    {place}")
        if not death: process.process.kill()
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20000, help="inputs a parser (default 20000)")
    parser.add_argument("--parsers", default=",".join(PARSERS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fuzzing", default=os.path.join(ROOT, ".build", "release", "Fuzzing"))
    parser.add_argument("--failures", default="fuzz-failures", help="where failing inputs go (default ./fuzz-failures)")
    parser.add_argument("files", nargs="*", help="give these to their parsers instead: PARSER-ANYTHING")
    options = parser.parse_args()
    if not os.access(options.fuzzing, os.X_OK):
        sys.exit("parsers.py: build the executable with `swift build -c release --product Fuzzing` first")
    if options.files: return give(options, options.files)
    # Two runs with seeds of their own share a parser's inputs.
    tasks = [(options, name, 2 * options.seed + half, options.count // 2) for name in options.parsers.split(",")
             for half in range(2)]
    bad = 0
    with multiprocessing.Pool(min(2, os.cpu_count() or 1)) as pool:
        for name, accepted, refused, seconds, failures in pool.imap(fuzz, tasks):
            count = sum(map(len, failures.values()))
            bad += count
            print(f"{name:13} {accepted + refused + count:8} inputs, {accepted:7} accepted, {refused:7} refused, {count} failed, "
                  f"{(accepted + refused + count) / seconds:6.0f} a second", flush=True)
            if not accepted:
                bad += 1
                print(f"FAIL  {name} takes none of its inputs: are its files in Tests/Fuzzing/Corpus out of date?", flush=True)
            for what, paths in sorted(failures.items(), key=lambda one: -len(one[1])):
                print(f"FAIL  {len(paths)} x {what}   ({', '.join(paths[:3])})", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
