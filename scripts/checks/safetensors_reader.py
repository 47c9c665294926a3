"""Reads the tensors of a safetensors file of Float: eight bytes with the length of a JSON header, the header, the numbers."""
import json

import numpy as np


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        body = file.read()
    tensors = {}
    for name, field in header.items():
        if name == "__metadata__":
            continue
        start, end = field["data_offsets"]
        tensors[name] = np.frombuffer(body[start:end], dtype=np.float32).reshape(field["shape"])
    return tensors
