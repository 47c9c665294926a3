"""The layers compared, and the stages that stand for a layer in each form."""
import math

import numpy as np

# name: input channels, output channels, kernel, height, width, stride, padding
LAYERS = {
    "resnet.64@56": (64, 64, 3, 56, 56, 1, 1),
    "resnet.128@28": (128, 128, 3, 28, 28, 1, 1),
    "resnet.256@14": (256, 256, 3, 14, 14, 1, 1),
    "resnet.512@7": (512, 512, 3, 7, 7, 1, 1),
    "vgg.64@224": (64, 64, 3, 224, 224, 1, 1),
    "vgg.128@112": (128, 128, 3, 112, 112, 1, 1),
    "vgg.256@56": (256, 256, 3, 56, 56, 1, 1),
    "vgg.512@28": (512, 512, 3, 28, 28, 1, 1),
    "vgg.512@14": (512, 512, 3, 14, 14, 1, 1),
    "alexnet.conv2": (96, 256, 5, 27, 27, 1, 2),
    "down.128-256@56s2": (128, 256, 3, 56, 56, 2, 1),
}
FORMS = {"dense": "dense", "quarter": "Tucker-2 at 1/4", "half": "Tucker-2 at 1/2", "cp": "CP-3"}
FRACTIONS = {"quarter": 0.25, "half": 0.5}


def ranks(layer, form):
    """Output rank and input rank of Tucker-2, or the rank of CP-3."""
    inputs, outputs = layer[:2]
    if form == "cp":
        return [max(inputs, outputs)]
    return [math.ceil(channels * FRACTIONS[form]) for channels in (outputs, inputs)]


def argument(layer, form):
    """The form as `lowrank bench conv --form` takes it; one with its ranks, spatial:24, is that already."""
    if form == "dense" or ":" in form:
        return form
    return {"cp": "cp3"}.get(form, "tucker2") + ":" + ",".join(map(str, ranks(layer, form)))


def stages(layer, form):
    """[(inputs, outputs, kernel, stride, padding, groups)] of the convolutions that stand for the layer."""
    inputs, outputs, kernel, _, _, stride, padding = layer
    if form == "dense":
        return [(inputs, outputs, kernel, stride, padding, 1)]
    if form == "cp":
        (rank,) = ranks(layer, form)
        return [(inputs, rank, 1, 1, 0, 1), (rank, rank, kernel, stride, padding, rank), (rank, outputs, 1, 1, 0, 1)]
    outer, inner = ranks(layer, form)
    return [(inputs, inner, 1, 1, 0, 1), (inner, outer, kernel, stride, padding, 1), (outer, outputs, 1, 1, 0, 1)]


def multiplies(layer, form):
    """The multiplies of a form by its definition."""
    height, width = layer[3:5]
    count = 0
    for s, t, d, stride, padding, groups in stages(layer, form):
        height, width = ((extent + 2 * padding - d) // stride + 1 for extent in (height, width))
        count += t * (s // groups) * d * d * height * width
    return count


def traffic(layer, form):
    """Bytes that must cross the memory bus once: input, output and weights in Float."""
    inputs, outputs, kernel, height, width, stride, padding = layer
    rows, columns = ((extent + 2 * padding - kernel) // stride + 1 for extent in (height, width))
    weights = sum(s * t * d * d // g for s, t, d, _, _, g in stages(layer, form))
    return 4 * (inputs * height * width + outputs * rows * columns + weights)


def weights(stages, random):
    """Random weights that keep the variance from stage to stage."""
    return [
        (random.standard_normal((t, s // g, d, d)) / math.sqrt(s // g * d * d)).astype(np.float32)
        for s, t, d, _, _, g in stages
    ]
