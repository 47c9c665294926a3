#!/usr/bin/env python3
"""Give broken files to every command of `lowrank` and check that it refuses them as it should.

    python3 scripts/fuzz.py [--count 10000] [--seed 1] [--lowrank PATH] [--failures FOLDER] [--case N]

The models, arrays and factors of Tests/Vectors and Examples are cut off, overwritten, rearranged and edited where their
formats hold lengths, extents and names; paths are made missing, directories, devices or unwritable. Of each run is
demanded: exit code 0 or 1 (64 only where the options were changed too), so no signal and no trap; with 1, a message on
the standard error that names a file of the case, and no output file nor a part of one; with 0, the output, which the
command that takes it must accept. More than 10 seconds or 4 GiB of memory is a failure.

A case depends on the seed and its number alone: --case N runs one, and prints what came out. Failing cases are kept, each
in a folder of its own with its files and command line. Needs nothing but Python. Exits with 1 where a case fails.
"""
import argparse, json, multiprocessing, os, random, re, resource, shutil, signal, struct, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECONDS, BYTES = 10, 4 << 30
INT64 = 1 << 64
# Integers at which arithmetic breaks: as an int64, an int32, a size or a product of sizes.
EXTREMES = [0, 1, 2, 3, 7, 8, 16, 127, 128, 255, 65536, (1 << 24) + 1, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32,
            3037000500, 1 << 40, 1 << 53, 1 << 62, (1 << 63) - 1, -1, -2, -3, -(1 << 31), -(1 << 63), -(1 << 62)]


# Bytes, whatever they mean

def truncate(r, data):
    return data[: r.randrange(len(data))] if r.random() < 0.7 else data[: r.randrange(min(64, len(data)))]


def flip_bits(r, data):
    data = bytearray(data)
    for _ in range(r.choice([1, 1, 2, 4, 16, 64])):
        data[near_start(r, data)] ^= 1 << r.randrange(8)
    return bytes(data)


def random_bytes(r, data):
    if r.random() < 0.2:
        return r.randbytes(r.choice([1, 7, 8, 64, 1000]))
    data = bytearray(data)
    start = near_start(r, data)
    count = min(r.choice([1, 2, 4, 8, 32, 200]), len(data) - start)
    data[start : start + count] = r.randbytes(count)
    return bytes(data)


def put_number(r, data):
    """An extreme number over some bytes: what a length field may hold."""
    data = bytearray(data)
    width, order = r.choice([1, 2, 4, 8]), r.choice(["little", "big"])
    start = near_start(r, data)
    number = (r.choice(EXTREMES) % (1 << 8 * width)).to_bytes(width, order)[: len(data) - start]
    data[start : start + len(number)] = number
    return bytes(data)


def swap_blocks(r, data):
    a, b, c = sorted(r.randrange(len(data) + 1) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def cut_out(r, data):
    start = near_start(r, data)
    return data[:start] + data[start + r.choice([1, 2, 8, 100]) :]


def double(r, data):
    start = near_start(r, data)
    part = data[start : start + r.choice([1, 4, 64, 1000])]
    return data[:start] + part * r.choice([2, 3, 20]) + data[start:]


def append(r, data):
    return data + r.choice([b"\0", r.randbytes(9), data[: 100], b" " * 50])


def near_start(r, data):
    """A position; often near the beginning, where headers are."""
    return r.randrange(min(len(data), 300)) if r.random() < 0.5 else r.randrange(len(data))


RAW = [truncate, flip_bits, random_bytes, put_number, swap_blocks, cut_out, double, append]


# ONNX: a protobuf message as a tree of [field number, wire type, value], so that what is around an edit stays right

# The fields of each ONNX message that are messages themselves.
MESSAGES = {
    "Model": {7: "Graph", 8: "Opset", 14: "Entry", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 11: "Value", 12: "Value", 13: "Value", 14: "Annotation"},
    "Function": {7: "Node", 9: "Opset", 11: "Attribute"},
    "Node": {5: "Attribute"}, "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph"},
    "Tensor": {13: "Entry"}, "Value": {2: "Type"}, "Type": {1: "TensorType"}, "TensorType": {2: "Shape"},
    "Shape": {1: "Dimension"}, "Dimension": {}, "Entry": {}, "Opset": {}, "Annotation": {2: "Entry"}}
OPERATORS = [b"Conv", b"ConvTranspose", b"Gemm", b"MatMul", b"BatchNormalization", b"Constant", b"Identity", b"If",
             b"Loop", b"Reshape", b"Flatten", b"MaxPool", b"Concat", b"Unsqueeze", b"Shape", b"Gather", b"Slice",
             b"Transpose", b"Add", b"Resize", b"Upsample", b"Split", b"Pad", b"ReduceMean", b"Expand", b"NoSuch", b""]
NAMES = [b"kernel_shape", b"strides", b"pads", b"dilations", b"group", b"auto_pad", b"output_padding", b"output_shape",
         b"transA", b"transB", b"alpha", b"epsilon", b"axis", b"axes", b"perm", b"value", b"value_ints", b"SAME_UPPER"]


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def varint(value):
    value %= INT64
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def parse(data, kind):
    fields, at = [], 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = read_varint(data, at)
        elif wire == 2:
            count, at = read_varint(data, at)
            value, at = data[at : at + count], at + count
            if number in MESSAGES[kind]:
                value = parse(value, MESSAGES[kind][number])
        else:
            width = {1: 8, 5: 4}[wire]
            value, at = data[at : at + width], at + width
        fields.append([number, wire, value])
    return {"kind": kind, "fields": fields}


def serialize(message):
    parts = []
    for number, wire, value in message["fields"]:
        parts.append(varint(number << 3 | wire))
        if wire == 0:
            parts.append(varint(value))
        elif wire == 2:
            value = serialize(value) if isinstance(value, dict) else value
            parts += [varint(len(value)), value]
        else:
            parts.append(value)
    return b"".join(parts)


def every_field(message, found):
    """All fields of a tree, each with the message that holds it."""
    for field in message["fields"]:
        found.append((message, field))
        if isinstance(field[2], dict):
            every_field(field[2], found)
    return found


def edit_model(r, data):
    """One edit or a few of a model's fields."""
    tree = parse(data, "Model")
    for _ in range(r.choice([1, 1, 1, 2, 3, 8])):
        found = every_field(tree, [])
        if not found:
            break
        # A kind of message first: else the many nodes and names leave nothing for extents and attributes.
        kind = r.choice(sorted({message["kind"] for message, _ in found}))
        message, field = r.choice([one for one in found if one[0]["kind"] == kind])
        edit_field(r, message, field, found)
    return serialize(tree)


def edit_field(r, message, field, found):
    choice = r.random()
    fields, value = message["fields"], field[2]
    if choice < 0.1:
        fields.remove(field)
    elif choice < 0.2:
        fields.insert(r.randrange(len(fields) + 1), [field[0], field[1], value])
    elif choice < 0.25:
        other = r.choice(fields)
        field[2], other[2], field[1], other[1] = other[2], field[2], other[1], field[1]
    elif choice < 0.3 and not isinstance(value, dict):
        field[0] = r.choice([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20, 1000])
    elif choice < 0.35:
        add_field(r, message)
    elif isinstance(value, dict):
        others = [one[1][2] for one in found if isinstance(one[1][2], dict) and one[1][2]["kind"] == value["kind"]]
        other = r.choice(others)
        # As bytes: a message must not become a part of itself.
        field[2] = serialize(other) if other is not value else nested(r, serialize(value))
    elif field[1] == 0:
        field[2] = r.choice(EXTREMES) if r.random() < 0.7 else value + r.choice([-1, 1, 2, 16])
    elif field[1] == 5:
        field[2] = struct.pack("<f", r.choice([0, -1, 1e30, 1e-40, float("nan"), float("inf")]))
    else:
        field[2] = edit_bytes(r, message["kind"], field[0], value, found)


def nested(r, data):
    """A model's part inside an attribute inside a node, many times over."""
    for _ in range(r.choice([1, 50, 99, 120, 2000])):
        attribute = varint(6 << 3 | 2) + varint(len(data)) + data
        node = varint(5 << 3 | 2) + varint(len(attribute)) + attribute
        data = varint(1 << 3 | 2) + varint(len(node)) + node
    return data


def add_field(r, message):
    """A field that the message may not have yet: extents, numbers, attributes."""
    kind, number = message["kind"], r.choice(EXTREMES)
    text = r.choice(NAMES)
    attribute = {"kind": "Attribute", "fields": [[1, 2, text], [20, 0, r.choice([1, 2, 3, 7])],
                                                 *([8, 0, r.choice(EXTREMES)] for _ in range(r.choice([1, 2, 4, 5])))]}
    single = {"kind": "Attribute", "fields": [[1, 2, text], [20, 0, 2], [3, 0, number]]}
    entry = {"kind": "Entry", "fields": [[1, 2, r.choice([b"location", b"offset", b"length", b"checksum"])],
                                         [2, 2, r.choice(LOCATIONS)]]}
    field = {
        "Node": [5, 2, r.choice([attribute, single])], "Tensor": r.choice([[1, 0, number], [14, 0, 1], [13, 2, entry]]),
        "Attribute": r.choice([[8, 0, number], [3, 0, number], [20, 0, r.randrange(20)]]),
        "Shape": [1, 2, {"kind": "Dimension", "fields": [[1, 0, number]]}],
    }.get(kind, [r.choice([1, 2, 3, 5, 7]), 0, number])
    message["fields"].append(field)


LOCATIONS = [b"", b".", b"..", b"/", b"missing.bin", b"../missing.bin", b"/etc/hostname", b"/dev/zero", b"a\0b",
             b"x" * 5000, b"conv-external.weights.bin", b"-1", b"1", b"4096", b"9223372036854775807", b"18446744073709551616",
             b"0x10", b"1e3", b" 8", b"\xff\xfe"]


def edit_bytes(r, kind, number, value, found):
    if kind == "Tensor" and number in (4, 5, 7, 9, 10) and r.random() < 0.8:
        return edit_values(r, value)
    if kind == "Node" and number == 4 and r.random() < 0.8:
        return r.choice(OPERATORS)
    if kind == "Entry" and r.random() < 0.8:
        return r.choice(LOCATIONS)
    if kind == "Attribute" and number == 1 and r.random() < 0.5:
        return r.choice(NAMES)
    if r.random() < 0.7:
        # Another string of the model: nodes that feed themselves, two values of one name, weights of another layer.
        strings = [field[2] for _, field in found if isinstance(field[2], bytes) and 0 < len(field[2]) < 100]
        return r.choice(strings or [b""])
    return r.choice([b"", b"\xff\xfe", b"x" * 100000, b"\0", "\u202e\U0001f600".encode(), b"/", value + b"/core", value * 2])


def edit_values(r, value):
    """Other numbers in a tensor: none, fewer, more, NaN, infinite, huge, zero."""
    choice = r.randrange(8)
    if choice == 0:
        return b""
    if choice == 1:
        return value[: r.randrange(len(value) + 1)]
    if choice == 2:
        return value + value[:8] + b"\0" * r.choice([1, 4, 8])
    pattern = r.choice([b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f", b"\xff\xff\xff\xff", b"\1\0\0\0", b"\0\0\0\0"])
    if choice < 5:
        return (pattern * (len(value) // 4 + 1))[: len(value)]
    start = r.randrange(len(value) + 1) // 4 * 4
    return (value[:start] + pattern + value[start + 4 :])[: len(value)]


# .npy

def edit_npy(r, data):
    major = data[6]
    width = 2 if major == 1 else 4
    count = int.from_bytes(data[8 : 8 + width], "little")
    header, values = data[8 + width : 8 + width + count].decode("latin-1"), data[8 + width + count :]
    choice = r.randrange(12)
    if choice == 0:
        length = r.choice([0, 1, count - 1, count + 1, 65535, (1 << 8 * width) - 1, count + len(values)])
        return data[:8] + (length % (1 << 8 * width)).to_bytes(width, "little") + data[8 + width :]
    if choice == 1:
        return data[:6] + bytes([r.choice([0, 1, 2, 3, 4, 255]), r.choice([0, 0, 1, 255])]) + data[8:]
    if choice in (2, 10, 11):
        values = edit_values(r, values)
    elif choice < 6:
        extents = [str(r.choice(EXTREMES + [1, 2, 3])) for _ in range(r.choice([0, 1, 2, 3, 4, 5, 9, 200]))]
        extents = r.choice([", ".join(extents), ",".join(extents) + ",", "9" * 400, "3.0, 2", "(3, 4)", "3 4", "0x3, 4", "-0", ",", "3,,4"])
        header = re.sub(r"\([^)]*\)", f"({extents})", header)
    elif choice < 8:
        descr = r.choice(["<f4", ">f4", "|f4", "=f4", "f4", "<f2", "<f8", "<f16", "<i4", "<c8", "|O", "<f", "<f-4", "<f99999999999999999999",
                          "", "'", "<U3", "float32"])
        header = re.sub(r"'[<>|=]?[a-z]\d'", f"'{descr}'", header)
    else:
        header = r.choice([
            header.replace("False", r.choice(["True", "0", "None", "Maybe", ""])), header.replace("}", ""), header[::-1], "",
            "{}", "[]", "{" * 20000, "(" * 20000, header.replace("'shape'", "'form'"), header.replace(",", ""), header * 2,
            header.replace("'", '"'), header.replace("}", "'more': {'a': (1, [2])}}"), header.replace(" ", "\0"), "\xff" * 40])
    header = header.encode("latin-1")
    return data[:8] + min(len(header), (1 << 8 * width) - 1).to_bytes(width, "little") + header + values


# safetensors

def edit_safetensors(r, data):
    count = int.from_bytes(data[:8], "little")
    text, values = data[8 : 8 + count], data[8 + count :]
    choice = r.randrange(10)
    if choice == 0:
        length = r.choice([0, 1, 2, count - 1, count + 1, len(data), 100_000_000, 100_000_001, *EXTREMES])
        return (length % INT64).to_bytes(8, "little") + data[8:]
    if choice == 1:
        return data[: 8 + count] + edit_values(r, values)
    if choice < 4:
        text = r.choice([truncate, flip_bits, random_bytes, swap_blocks, cut_out, double])(r, text)
    elif choice == 4:
        text = r.choice([
            b"", b"{", b"[]", b"{}", b"null", b"1", b'{"a":null}', b"[" * 100000, b'{"a":' * 100000, b'{"a":[]}', b'{"a":1}',
            b'{"__metadata__":{"a":1}}', b'{"__metadata__":[]}', b'{"__metadata__":null}', b'{"\\ud800":{}}', b'{"a":"\xff"}', b"\xef\xbb\xbf" + text,
            b'{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}', b'{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}',
            b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0]}}', b'{"a":{"dtype":1,"shape":[],"data_offsets":[0,4]}}', text + text])
    else:
        header = json.loads(text)
        for _ in range(r.choice([1, 1, 2, 4])):
            edit_header(r, header, len(values))
        text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def edit_header(r, header, count):
    name = r.choice(list(header)) if header else "a"
    entry = header.get(name, {})
    choice = r.random()
    if name == "__metadata__":
        if choice < 0.3:
            del header[name]
        else:
            shape = ",".join(str(r.choice(EXTREMES + [2, 3, 4])) for _ in range(r.choice([1, 2, 3, 4, 9])))
            form = r.choice(["tucker2", "spatial:", "spatial:4", "spatial:-1", "spatial:0", "spatial-mirrored:4", "channel:4", "channel:99999999999",
                             "channel-mirrored:4", "svd:3", "cp3:4", "cp4:4", "tucker2:4,4", "nonsense", ""])
            key = r.choice(["form", "kernelShape"])
            header[name] = dict(entry if isinstance(entry, dict) else {}, **{key: form if key == "form" else shape})
        return
    if choice < 0.1:
        del header[name]
    elif choice < 0.25:
        header[r.choice(["core", "mode1", "mode2", "left", "right", "first", "second", "kernel", "vertical", "horizontal", "", "a\0b"])] = header.pop(name, {})
    elif choice < 0.35 or not isinstance(entry, dict):
        header[name] = r.choice([None, [], {}, 3, "x", [entry], {"dtype": "F32"}])
    elif choice < 0.5:
        entry["dtype"] = r.choice(["F32", "F16", "F64", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "f32", "", None, 4, "x" * 10000])
    elif choice < 0.8:
        shape = list(entry.get("shape") or [])
        if shape and r.random() < 0.5:
            shape[r.randrange(len(shape))] = r.choice(EXTREMES + [1.5, "3", None, [], True])
        else:
            shape = [r.choice(EXTREMES + [1, 2, 3]) for _ in range(r.choice([0, 1, 2, 3, 4, 40, 5000]))]
        entry["shape"] = shape
    else:
        entry["data_offsets"] = r.choice([
            [0, 0], [count, 0], [0, count], [0, count + 1], [-4, 0], [count - 4, count + 4], [0], [0, 1, 2], [], None, "x", [0.5, 4], [4, 0],
            [r.choice(EXTREMES), r.choice(EXTREMES)], [(1 << 63) - 1, (1 << 63) - 1], [1 << 64, 1 << 65]])


# Cases

EDITS = {"onnx": edit_model, "npy": edit_npy, "safetensors": edit_safetensors}


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
        options = r.choice([[], ["--error", "0.5"], ["--energy", "0.8"], ["--ranks-ratio", "0.4", "--rank-multiple", "1"], ["--no-fold-batch-norm"]])
        options = options + r.choice([[], [], [], ["--method", r.choice(["tucker2", "svd", "spatial", "channel"])]])
        if command == "inspect":
            return options + r.choice([[], ["--json"]])
        return options + r.choice([[], ["--json"], ["--json", "report.json"]])
    if command in ("decompose", "bench decompose"):
        method = r.choice(["tucker2"] * 4 + ["svd", "spatial", "spatial-mirrored", "channel", "channel-mirrored"])
        options = ["--method", method, "--ranks", "2,2" if method == "tucker2" else "2"]
        if method == "tucker2":
            options += ["--algorithm", r.choice(["hosvd", "st-hosvd", "hooi"])]
        return options + r.choice([[], ["--json"]]) + (["--reps", "1"] if command == "bench decompose" else [])
    return []


def odd_options(r, command):
    """Options that may be wrong usage."""
    number = r.choice(["0", "-1", "1", "0.5", "nan", "inf", "-inf", "1e-320", "1e400", "x", "", "99999999999999999999", "0x1p-3"])
    whole = r.choice(["0", "-1", "1", "7", "9223372036854775807", "9223372036854775808", "x", "", "1.5"])
    text = r.choice(["(", "[", "a{99999}", "(?<=a+)", ".*", "", "\\", "(a*)*b", "conv.*"])
    shape = r.choice(["=1,3,8,8", "x", "x=", "x=1,3,8,8", "image=1,1,28,28", "image=0,1,28,28", "x=-1,3,8,8", "image=1,1,4611686018427387904,28", "x=" + "9" * 40])
    ranks = r.choice(["0,0", "-1,2", "1", "1,1,1", ",", "", "x", "9223372036854775807,9223372036854775807", "99999999999999999999,1", "1,2", "16,12", "17,12", "1.5,2"])
    if command in ("inspect", "compress"):
        return r.choice([["--energy", number], ["--error", number], ["--ranks-ratio", number], ["--layers", text], ["--skip", text],
                         ["--rank-multiple", whole], ["--input-shape", shape], ["--method", "nonsense"], ["--threads", whole if whole != "7" else "2"]])
    if command in ("decompose", "bench decompose"):
        return r.choice([["--method", r.choice(["tucker2", "svd", "spatial", "x"]), "--ranks", ranks], ["--method", "tucker2", "--ranks", "2,2", "--threads", whole],
                         ["--method", "tucker2", "--ranks", "2,2", "--algorithm", "x"]])
    return [["--json"], ["--nonsense"], ["more"]][r.randrange(3)]


TAKES = {"inspect": "onnx", "compress": "onnx", "decompose": "npy", "bench decompose": "npy", "reconstruct": "safetensors"}
WRITES = {"compress": "out.onnx", "decompose": "out.safetensors", "reconstruct": "out.npy"}


class Case:
    """Files in a folder, and a command line."""

    def __init__(self, seed, number, seeds, folder):
        r = random.Random(f"{seed}/{number}")
        self.number, self.folder = number, folder
        self.command = r.choice(["inspect", "compress", "compress", "decompose", "reconstruct", "reconstruct", "bench decompose"])
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
        if self.command in WRITES:
            arguments += ["-o", self.place_output(r)]
        self.arguments = arguments
        self.before = self.listing()

    def write_input(self, r, kind, data):
        path = os.path.join(self.folder, self.input)
        choice = r.random()
        if choice < 0.02:
            self.what.append(r.choice(["missing", "directory", "empty", "device", "pipe", "link to itself", "long name", "below a file"]))
            self.odd_input(r, path)
            return
        for _ in range(r.choice([1, 1, 1, 2])):
            if not data:
                break
            edit = EDITS[kind] if r.random() < 0.65 else r.choice(RAW)
            try:
                data = edit(r, data)
                self.what.append(edit.__name__)
            except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError):
                # The format is broken already by an edit before.
                data = flip_bits(r, data) if data else data
                self.what.append("flip_bits")
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

    def judge(self, status, errors, report_usage):
        """What is wrong with how it ended, or None."""
        if status is None:
            return "timeout"
        if status < 0:
            return f"signal {signal.Signals(-status).name}"
        if status == 64 and report_usage:
            return None if errors.strip() else "exit 64 without a message"
        if status not in (0, 1):
            return f"exit {status}"
        if status == 1:
            if not errors.strip():
                return "exit 1 without a message"
            named = [self.input, self.output] + [os.path.basename(path) for path in self.before] + ["missing.bin", "report.json"]
            if not self.usage and not any(name and name in errors for name in named):
                return "the message names no file"
            if set(self.listing()) - set(self.before):
                return "exit 1 and an output or a part of one"
            if self.earlier is not None and self.read_output() != self.earlier:
                return "exit 1 and an earlier output changed"
            return None
        left = [path for path in self.listing() if ".partial-" in path]
        if left:
            return "exit 0 and a part left"
        if self.output and not os.path.isfile(os.path.join(self.folder, self.output)):
            return "exit 0 without an output"
        return None

    def read_output(self):
        with open(os.path.join(self.folder, self.output), "rb") as file:
            return file.read()


def launch(arguments, folder):
    environment = dict(os.environ, OPENBLAS_NUM_THREADS="1", SWIFT_BACKTRACE="enable=no")
    try:
        done = subprocess.run(arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as late:
        return None, (late.stderr or b"").decode("utf-8", "replace")
    return done.returncode, done.stderr.decode("utf-8", "replace")


def run_case(number):
    """Runs one case. Gives its exit code and, where it fails, the kind of failure."""
    options, seeds = run_case.context
    folder = tempfile.mkdtemp(prefix=f"{number}-", dir=options.work)
    try:
        case = Case(options.seed, number, seeds, folder)
        status, errors = launch([options.lowrank] + case.arguments, folder)
        fault = case.judge(status, errors, case.usage)
        then = None
        if fault is None and status == 0 and case.output:
            # What was written must be accepted by the command that takes it.
            then = {"compress": ["inspect", case.output], "decompose": ["reconstruct", case.output, "-o", "again.npy"],
                    "reconstruct": ["bench", "decompose", case.output, "--method", "tucker2", "--ranks", "1,1", "--reps", "1"]}[case.command]
            if case.command != "reconstruct":
                again, errors = launch([options.lowrank] + then, folder)
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
        file.write(f"# {fault}; edits: {', '.join(case.what)}; python3 scripts/fuzz.py --seed {options.seed} --case {case.number}\n"
                   f"lowrank {' '.join(json.dumps(a) if not a or set(a) & set(' ()[]{}*?') else a for a in case.arguments)}\n"
                   f"# {'no end' if status is None else f'ended with {status}'}\n{errors}")


def start(options, seeds):
    run_case.context = options, seeds
    # Inherited by every run. A core file of each failing case would fill the disk.
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def find_command(given):
    for path in (given, os.environ.get("LOWRANK"), os.path.join(ROOT, ".build", "release", "lowrank"), shutil.which("lowrank")):
        if path and os.access(path, os.X_OK):
            return os.path.abspath(path)
    sys.exit("fuzz.py: no lowrank: build it with `swift build -c release --product lowrank`, or give --lowrank PATH.")


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
        print(f"  {command:16}" + ", ".join(f"exit {status}: {len(found)}" for status, found in sorted(statuses.items(), key=str)))
    for (fault, command, said), found in sorted(faults.items(), key=lambda one: -len(one[1])):
        print(f"FAIL  {len(found)} x {command}: {fault}: {said}   (cases {', '.join(map(str, sorted(found)[:5]))})")
    if faults:
        print(f"{sum(map(len, faults.values()))} cases failed; they are in {options.failures}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
