"""Makes trained convolutional networks smaller and faster on CPUs: low-rank factors of their weights, and an engine that runs
them.

    import lowrank

    report = lowrank.compress("model.onnx", "smaller.onnx", macs=0.5)   # half the multiplies, least loss
    network = lowrank.Network("smaller.onnx")                           # and run it here
    scores = network(image)

    factored = lowrank.decompose(kernel, "tucker2", (64, 32))           # one kernel, as an array
    maps = factored.run(image, padding=1)

`inspect` says what a model's layers cost. Whatever goes wrong is a `LowRankError` whose message says what and where.
"""

from __future__ import annotations

import ctypes as _c

from ._decomposition import Factored, decompose
from ._errors import ArgumentError, LowRankError, ModelFileError, TooLargeError, UnsupportedError
from ._library import SystemInfo as _SystemInfo
from ._library import call as _call
from ._model import compress, inspect
from ._network import Network, Value

__all__ = ["ArgumentError", "Factored", "LowRankError", "ModelFileError", "Network", "TooLargeError", "UnsupportedError",
           "Value", "compress", "decompose", "inspect", "system"]


def system() -> dict[str, str]:
    """What runs here: the version, the processor's architecture, the kernels' instruction set, the BLAS."""
    info = _SystemInfo()
    _call("lowrank_system", _c.byref(info))
    return {name: getattr(info, name).decode() for name in ("version", "architecture", "kernels", "blas_core", "blas")}


__version__: str = system()["version"]
