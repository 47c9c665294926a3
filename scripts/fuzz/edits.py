"""The edits that files.py makes: of bytes, and of what ONNX, .npy and safetensors files say. Each takes a random source
`r` and the bytes of a file, and gives other bytes."""
import json, re, struct, zlib

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


ONE_BYTE = [bytes([value]) for value in range(128)]


def read_varint(data, at):
    if data[at] < 128: return data[at], at + 1
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def varint(value):
    if 0 <= value < 128: return ONE_BYTE[value]
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
    if r.random() < 0.3:
        for _ in range(r.choice([1, 1, 2, 4])):
            insert_node(r, tree)
        if r.random() < 0.7:
            return serialize(tree)
    for _ in range(r.choice([1, 1, 1, 2, 3, 8])):
        found = every_field(tree, [])
        if not found:
            break
        # A kind of message first: else the many nodes and names leave nothing for extents and attributes.
        kind = r.choice(sorted({message["kind"] for message, _ in found}))
        message, field = r.choice([one for one in found if one[0]["kind"] == kind])
        edit_field(r, message, field, found)
    return serialize(tree)


# What the shape inference works out, for nodes in front of a layer: the operator, how many integers each further input
# has, and how many each attribute (0 for a single one).
WINDOW = {b"strides": 2, b"dilations": 2, b"pads": 4}
SHAPED = [
    *((op, [], {b"kernel_shape": 2, b"ceil_mode": 0, **WINDOW}) for op in (b"MaxPool", b"AveragePool", b"LpPool")),
    (b"Conv", ["weight"], {b"group": 0, **WINDOW}), (b"ConvTranspose", ["weight"], {b"group": 0, **WINDOW}),
    (b"ConvTranspose", ["weight"], {b"output_padding": 2, b"output_shape": 2}),
    (b"Reshape", [4], {b"allowzero": 0}), (b"Reshape", [], {b"shape": 4}), (b"Flatten", [], {b"axis": 0}),
    (b"Transpose", [], {b"perm": 4}), (b"Concat", ["data"], {b"axis": 0}), (b"Slice", [1, 1, 1, 1], {}),
    (b"Slice", [], {b"starts": 2, b"ends": 2, b"axes": 2}), (b"Split", [2], {b"axis": 0}),
    (b"Split", [], {b"axis": 0, b"split": 2}), (b"Squeeze", [1], {}), (b"Squeeze", [], {b"axes": 1}),
    (b"Unsqueeze", [1], {}), (b"Unsqueeze", [], {b"axes": 2}), (b"Gather", [1], {b"axis": 0}),
    (b"Gather", ["data"], {b"axis": 0}), (b"Expand", [4], {}), (b"Tile", [4], {}), (b"Pad", [8], {}),
    (b"Pad", [], {b"pads": 8}), (b"DepthToSpace", [], {b"blocksize": 0}), (b"SpaceToDepth", [], {b"blocksize": 0}),
    (b"Resize", [0, 0, 4], {}), (b"ReduceMean", [], {b"axes": 2, b"keepdims": 0}), (b"ReduceSum", [2], {b"keepdims": 0}),
    (b"ArgMax", [], {b"axis": 0, b"keepdims": 0}), (b"Shape", [], {b"start": 0, b"end": 0}),
    (b"ConstantOfShape", [], {}), (b"Identity", [], {})]


def insert_node(r, tree):
    """Another node in front of one, with integers in it at which arithmetic breaks."""
    graphs = [field[2] for field in tree["fields"] if isinstance(field[2], dict) and field[2]["kind"] == "Graph"]
    nodes = [field for graph in graphs for field in graph["fields"] if field[0] == 1 and isinstance(field[2], dict)]
    inputs = [(field, one) for field in nodes for one in field[2]["fields"] if one[0] == 1 and isinstance(one[2], bytes)]
    if not inputs:
        return
    behind, taken = r.choice(inputs)
    name = f"inserted{r.randrange(1 << 30)}".encode()
    op, others, attributes = r.choice(SHAPED)
    data = taken[2]
    if r.random() < 0.2:
        # Arithmetic on shapes in front of it.
        op, others, attributes = r.choice([b"Add", b"Sub", b"Mul", b"Div", b"Max", b"Min", b"Range"]), ["data"] * 2, {}
        data = name + b".0"
    node, made = {"kind": "Node", "fields": [[1, 2, data], [2, 2, name], [4, 2, op]]}, []
    for place, other in enumerate(others):
        named = {"data": data, "weight": inputs[-1][1][2]}.get(other, name + b".%d" % place)
        node["fields"].append([1, 2, named])
        if not isinstance(other, str):
            made.append(constant(r, named, other))
    if data != taken[2]:
        made.append(constant(r, data, r.choice([1, 1, 2, 4])))
    for attribute, count in attributes.items():
        if r.random() < 0.8:
            node["fields"].append([5, 2, integer_attribute(r, attribute, count)])
    taken[2] = name
    graph = next(graph for graph in graphs if behind in graph["fields"])
    at = graph["fields"].index(behind)
    graph["fields"][at:at] = [[1, 2, one] for one in made + [node]]


def integer_attribute(r, name, count):
    numbers = [r.choice(EXTREMES) if r.random() < 0.4 else r.choice([0, 1, 1, 2, 3, -1]) for _ in range(max(1, count))]
    kind, field = (7, 8) if count else (2, 3)
    return {"kind": "Attribute", "fields": [[1, 2, name], [20, 0, kind], *([field, 0, number] for number in numbers)]}


def constant(r, name, count):
    """A node that makes `count` integers."""
    attribute = integer_attribute(r, b"value_ints", max(1, count))
    attribute["fields"] = attribute["fields"][: 2 + count]
    return {"kind": "Node", "fields": [[2, 2, name], [4, 2, b"Constant"], [5, 2, attribute]]}


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
    for _ in range(r.choice([1, 1, 2, 50, 99, 120, 120, 2000]) if r.random() < 0.3 else 1):
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
             b"x" * 5000, b"conv-external.weights.bin", b"-1", b"1", b"4096", b"9223372036854775807",
             b"18446744073709551616",
             b"0x10", b"1e3", b" 8", b"\xff\xfe"]


def edit_bytes(r, kind, number, value, found):
    if kind == "Tensor" and number in (4, 5, 7, 9, 10) and r.random() < 0.8:
        return edit_values(r, value)
    if kind == "Node" and number == 4 and r.random() < 0.8:
        return r.choice(OPERATORS)
    if kind == "Entry" and r.random() < 0.8:
        return r.choice(LOCATIONS)
    if kind == "Attribute" and number == 1 and r.random() < 0.5:
        return r.choice(NAMES + [value + b"\n" + value])
    if r.random() < 0.7:
        # Another string of the model: nodes that feed themselves, two values of one name, weights of another layer.
        strings = [field[2] for _, field in found if isinstance(field[2], bytes) and 0 < len(field[2]) < 100]
        return r.choice(strings or [b""])
    return r.choice([b"", b"\xff\xfe", b"x" * 100000, b"\0", "\u202e\U0001f600".encode(), b"/", value + b"/core",
                     value * 2, value + b"\nError: " + value, b"\r\x1b[2J" + value, "\u2028\x85".encode()])


def edit_values(r, value):
    """Other numbers in a tensor: none, fewer, more, NaN, infinite, huge, zero."""
    choice = r.randrange(8)
    if choice == 0:
        return b""
    if choice == 1:
        return value[: r.randrange(len(value) + 1)]
    if choice == 2:
        return value + value[:8] + b"\0" * r.choice([1, 4, 8])
    pattern = r.choice([b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f", b"\xff\xff\xff\xff", b"\1\0\0\0",
                        b"\0\0\0\0"])
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
        extents = r.choice([", ".join(extents), ",".join(extents) + ",", "9" * 400, "3.0, 2", "(3, 4)", "3 4",
                            "0x3, 4", "-0", ",", "3,,4"])
        header = re.sub(r"\([^)]*\)", f"({extents})", header)
    elif choice < 8:
        descr = r.choice(["<f4", ">f4", "|f4", "=f4", "f4", "<f2", "<f8", "<f16", "<i4", "<c8", "|O", "<f", "<f-4",
                          "<f99999999999999999999",
                          "", "'", "<U3", "float32"])
        header = re.sub(r"'[<>|=]?[a-z]\d'", f"'{descr}'", header)
    else:
        header = r.choice([
            header.replace("False", r.choice(["True", "0", "None", "Maybe", ""])), header.replace("}", ""),
            header[::-1], "",
            "{}", "[]", "{" * 20000, "(" * 20000, header.replace("'shape'", "'form'"), header.replace(",", ""),
            header * 2,
            header.replace("'", '"'), header.replace("}", "'more': {'a': (1, [2])}}"), header.replace(" ", "\0"),
            "\xff" * 40])
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
            b"", b"{", b"[]", b"{}", b"null", b"1", b'{"a":null}', b"[" * 100000, b'{"a":' * 100000, b'{"a":[]}',
            b'{"a":1}',
            b'{"__metadata__":{"a":1}}', b'{"__metadata__":[]}', b'{"__metadata__":null}', b'{"\\ud800":{}}',
            b'{"a":"\xff"}', b"\xef\xbb\xbf" + text,
            b'{"a":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}',
            b'{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}',
            b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0]}}',
            b'{"a":{"dtype":1,"shape":[],"data_offsets":[0,4]}}', text + text])
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
            form = r.choice(["tucker2", "spatial:", "spatial:4", "spatial:-1", "spatial:0", "spatial-mirrored:4",
                             "channel:4", "channel:99999999999",
                             "channel-mirrored:4", "svd:3", "cp3:4", "cp4:4", "tucker2:4,4", "nonsense", ""])
            key = r.choice(["form", "kernelShape"])
            header[name] = dict(entry if isinstance(entry, dict) else {}, **{key: form if key == "form" else shape})
        return
    if choice < 0.1:
        del header[name]
    elif choice < 0.25:
        header[r.choice(["core", "mode1", "mode2", "left", "right", "first", "second", "kernel", "vertical",
                         "horizontal", "", "a\0b"])] = header.pop(name, {})
    elif choice < 0.35 or not isinstance(entry, dict):
        header[name] = r.choice([None, [], {}, 3, "x", [entry], {"dtype": "F32"}])
    elif choice < 0.5:
        entry["dtype"] = r.choice(["F32", "F16", "F64", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "f32", "", None, 4,
                                   "x" * 10000])
    elif choice < 0.8:
        shape = list(entry.get("shape") or [])
        if shape and r.random() < 0.5:
            shape[r.randrange(len(shape))] = r.choice(EXTREMES + [1.5, "3", None, [], True])
        else:
            shape = [r.choice(EXTREMES + [1, 2, 3]) for _ in range(r.choice([0, 1, 2, 3, 4, 40, 5000]))]
        entry["shape"] = shape
    else:
        entry["data_offsets"] = r.choice([
            [0, 0], [count, 0], [0, count], [0, count + 1], [-4, 0], [count - 4, count + 4], [0], [0, 1, 2], [], None,
            "x", [0.5, 4], [4, 0],
            [r.choice(EXTREMES), r.choice(EXTREMES)], [(1 << 63) - 1, (1 << 63) - 1], [1 << 64, 1 << 65]])

EDITS = {"onnx": edit_model, "npy": edit_npy, "safetensors": edit_safetensors}


def edit(r, kind, data):
    """Edits a file by what its format means, or blindly. Gives the name of the edit and the bytes."""
    chosen = EDITS[kind] if r.random() < 0.65 else r.choice(RAW)
    try:
        return chosen.__name__, chosen(r, data)
    except (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError, zlib.error):
        # An edit before this one left nothing that the format allows to read.
        return flip_bits.__name__, flip_bits(r, data)
