"""Factors a convolution and runs it, from Python: ctypes and NumPy over liblowrank.so.

    LOWRANK_LIBRARY=/usr/local/lib/liblowrank.so python factored_layer.py

NumPy's arrays are handed over as they lie: nothing is copied on the way in or out.
"""

import ctypes as c
import os
import time

import numpy as np

library = c.CDLL(os.environ.get("LOWRANK_LIBRARY", "liblowrank.so"))
library.lowrank_last_error.restype = c.c_char_p
TUCKER2, MAX_ORDER, MAX_AXES = 1, 8, 6


class Structure(c.Structure):
    """A structure of lowrank.h, which begins with its own size; what is not named is 0."""

    def __init__(self, **values):
        super().__init__(struct_size=c.sizeof(type(self)))
        for name, value in values.items():
            if isinstance(value, (list, tuple)):
                getattr(self, name)[: len(value)] = value
            else:
                setattr(self, name, value)


def numbers(kind, *names):
    return [(name, kind) for name in names]


class DecompositionInfo(Structure):
    _fields_ = (
        numbers(c.c_size_t, "struct_size") + numbers(c.c_int32, "method", "type", "kernel_order", "rank_count")
        + [("kernel_shape", c.c_int64 * MAX_ORDER), ("ranks", c.c_int64 * 2)]
        + numbers(c.c_int32, "factor_count", "stage_count") + numbers(c.c_int64, "weight_count")
        + numbers(c.c_double, "relative_error", "error_bound") + numbers(c.c_int32, "sweeps", "converged")
        + numbers(c.c_double, "sensitivity"))


class Geometry(Structure):
    _fields_ = (
        numbers(c.c_size_t, "struct_size") + numbers(c.c_int32, "axes", "groups") + numbers(c.c_int64, "batch")
        + numbers(c.c_int64 * MAX_AXES, "input", "stride", "dilation", "padding_before", "padding_after"))


class PlanInfo(Structure):
    _fields_ = (
        numbers(c.c_size_t, "struct_size") + numbers(c.c_int32, "type", "order")
        + numbers(c.c_int64 * MAX_ORDER, "input_shape", "output_shape")
        + numbers(c.c_size_t, "input_count", "output_count", "workspace_bytes")
        + numbers(c.c_int64, "multiplies") + numbers(c.c_int32, "stage_count", "threads"))


def call(name, *arguments):
    """Calls a function; arrays are given as their address and their number of elements."""
    plain = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            assert argument.flags.c_contiguous, "the library takes arrays as they lie: row-major, without gaps"
            plain += [c.c_void_p(argument.ctypes.data), c.c_size_t(argument.size)]
        else:
            plain.append(c.byref(argument) if isinstance(argument, Structure) else argument)
    if getattr(library, name)(*plain) != 0:
        raise RuntimeError(library.lowrank_last_error().decode())


class Plan:
    """A convolution made ready; `run` computes into the output's own memory."""

    def __init__(self, create, *arguments):
        self.handle = c.c_void_p()
        call(create, *arguments, c.byref(self.handle))
        self.info = PlanInfo()
        call("lowrank_plan_get_info", self.handle, self.info)
        self.workspace = np.empty(self.info.workspace_bytes, np.uint8)

    def run(self, x, y):
        call("lowrank_plan_run_f32", self.handle, x, y, self.workspace)

    def __del__(self):
        library.lowrank_plan_destroy(self.handle)


def milliseconds(plan, x, y):
    times = []
    for _ in range(10):
        start = time.perf_counter()
        plan.run(x, y)
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


random = np.random.default_rng(1)
shape, ranks, extent = (128, 96, 3, 3), (32, 24), 56
# A kernel of low rank with a little noise, as trained kernels are.
kernel = np.einsum("abij,ta,sb->tsij", *(random.standard_normal(s) for s in [(16, 12, 3, 3), (128, 16), (96, 12)]))
kernel = (kernel + 0.02 * kernel.std() * random.standard_normal(shape)).astype(np.float32)

factors = c.c_void_p()
call("lowrank_decompose_f32", TUCKER2, kernel, (c.c_int64 * 4)(*shape), 4, (c.c_int64 * 2)(*ranks), 2, None,
     c.byref(factors))
facts = DecompositionInfo()
call("lowrank_decomposition_get_info", factors, facts)
print(f"{kernel.size} weights -> {facts.weight_count}, relative error {facts.relative_error:.4f}")

geometry = Geometry(axes=2, input=(extent, extent), padding_before=(1, 1), padding_after=(1, 1))
no_bias = (None, c.c_size_t(0))
dense = Plan("lowrank_plan_create_f32", geometry, kernel, (c.c_int64 * 4)(*shape), 4, *no_bias, None)
factored = Plan("lowrank_plan_create_factored_f32", geometry, factors, *no_bias, None)
call("lowrank_decomposition_destroy", factors)

x = random.standard_normal((1, shape[1], extent, extent)).astype(np.float32)
y, z = np.empty((2, 1, shape[0], extent, extent), np.float32)
slow, fast = milliseconds(dense, x, y), milliseconds(factored, x, z)
difference = np.linalg.norm(y - z) / np.linalg.norm(y)
print(f"dense {slow:.3f} ms, factored {fast:.3f} ms, relative difference of the outputs {difference:.4f}")
# One output by its definition, and the factored outputs as near as the factors are.
assert np.isclose(y[0, 5, 10, 20], (kernel[5].astype(float) * x[0, :, 9:12, 19:22]).sum(), rtol=1e-3)
assert difference < 3 * facts.relative_error + 1e-4
