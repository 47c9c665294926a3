#!/usr/bin/env python3
"""Write the reference vectors of images: small PNG and JPEG files, what Pillow makes of them, and models that take them.

    python make_images.py

Needs numpy, onnx and Pillow. NAME.npy holds the bytes that Pillow decodes from NAME.png or NAME.jpg, [height, width, 3];
picture-2x3.npy is picture.png as Pillow resizes it to 2x3 (bilinear), grey16.png is grey.png in 16 bits. The models pass
on what they are given.
"""
import os, platform

import numpy as np
import onnx
import PIL
from onnx import TensorProto, helper
from PIL import Image

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")


def path(name):
    return os.path.join(FOLDER, name)


def model(name, shape, kind=TensorProto.FLOAT):
    node = helper.make_node("Relu", ["image"], ["same"], name="same")
    graph = helper.make_graph([node], name, [helper.make_tensor_value_info("image", kind, shape)],
                              [helper.make_tensor_value_info("same", kind, shape)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path(name + ".onnx"))


def main():
    os.makedirs(FOLDER, exist_ok=True)
    y, x = np.mgrid[0:7, 0:5]
    pixels = np.stack([40 * x + 10, 30 * y + 20, 255 - 12 * (x + y)], axis=-1).astype(np.uint8)
    picture = Image.fromarray(pixels)
    picture.save(path("picture.png"))
    np.save(path("picture-2x3.npy"), np.asarray(picture.resize((2, 3), Image.BILINEAR)))
    picture.save(path("picture.jpg"), quality=95)
    picture.save(path("progressive.jpg"), quality=90, progressive=True)
    picture.convert("L").save(path("grey.png"))
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(path("grey16.png"))
    picture.convert("L").save(path("grey.jpg"), quality=95)
    picture.convert("CMYK").save(path("print.jpg"), quality=95)
    opacity = Image.fromarray((9 * x + 20 * y + 60).astype(np.uint8))
    Image.merge("RGBA", (*picture.split(), opacity)).save(path("opacity.png"))
    picture.convert("P").save(path("palette.png"))
    for name in ["picture.png", "picture.jpg", "progressive.jpg", "grey.png", "grey.jpg", "opacity.png", "palette.png"]:
        np.save(path(name + ".npy"), np.asarray(Image.open(path(name)).convert("RGB")))
    model("channels-first", ["n", 3, "h", "w"])
    model("channels-last", ["n", "h", "w", 3])
    model("one-channel", [1, 1, 7, 5])
    model("fixed", [1, 3, 3, 2])
    with open(path("VERSIONS.txt"), "w") as f:
        f.write(f"Python {platform.python_version()}\nnumpy {np.__version__}\nonnx {onnx.__version__}\nPillow {PIL.__version__}\n")


main()
