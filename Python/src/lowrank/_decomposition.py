"""Kernels in low-rank form."""

from __future__ import annotations

import ctypes as c
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._library import (DecomposeOptions, DecompositionInfo, Geometry, Handle, PlanInfo, PlanOptions, TensorInfo, call)

_METHODS = {"tucker2": 1, "svd": 2, "spatial": 3, "spatial-mirrored": 4, "channel": 5, "channel-mirrored": 6, "cp3": 7,
            "cp4": 8}
_ALGORITHMS = {"hooi": 0, "st-hosvd": 1, "hosvd": 2}
_ACTIVATIONS = {None: 0, "relu": 1, "sigmoid": 5, "silu": 6, "hard-swish": 8, "tanh": 9, "gelu": 10}
_FACTOR, _STAGE = 0, 1


def _choice(name: str, value: Any, table: dict[Any, int]) -> int:
    if value not in table:
        raise ValueError(f"{name} is {value!r}, not one of {', '.join(str(key) for key in table)}")
    return table[value]


def _suffix(dtype: np.dtype[Any]) -> str:
    return "f64" if dtype == np.float64 else "f32"


def decompose(kernel: NDArray[Any], method: str = "tucker2", ranks: int | Sequence[int] = (), *,
              algorithm: str = "hooi", iterations: int = 0, tolerance: float = 0.0, seed: int = 0) -> Factored:
    """Factors the weights of a convolution or of a fully connected layer.

    kernel       [T, S] or [T, S, extents...]: output channels, input channels, spatial extents, as ONNX and PyTorch have
                 them. float64 is factored in double precision, everything else as float32.
    method       "tucker2" (ranks R1 of the outputs and R2 of the inputs), or with one rank "svd" (no spatial extent),
                 "spatial", "channel" (and "spatial-mirrored", "channel-mirrored"), "cp3", "cp4"
    ranks        an integer or a sequence of them
    algorithm    of Tucker-2: "hooi" (the smallest error), "st-hosvd", "hosvd"
    iterations, tolerance, seed   of CP, 0 for the defaults

    >>> import numpy as np, lowrank
    >>> kernel = np.random.default_rng(0).standard_normal((64, 32, 3, 3), dtype=np.float32)
    >>> factored = lowrank.decompose(kernel, "tucker2", (64, 32))
    >>> factored.relative_error < 1e-5
    True
    """
    dtype = np.float64 if kernel.dtype == np.float64 else np.float32
    elements = np.ascontiguousarray(kernel, dtype)
    given = [ranks] if isinstance(ranks, (int, np.integer)) else list(ranks)
    shape = (c.c_int64 * elements.ndim)(*elements.shape)
    numbers = (c.c_int64 * len(given))(*given)
    options = DecomposeOptions(tucker2_algorithm=_choice("algorithm", algorithm, _ALGORITHMS),
                               cp_iterations=iterations, cp_tolerance=tolerance, cp_seed=seed)
    handle = Handle("decomposition")
    call(f"lowrank_decompose_{_suffix(elements.dtype)}", c.c_int32(_choice("method", method, _METHODS)),
         c.c_void_p(elements.ctypes.data), c.c_size_t(elements.size), shape, c.c_int32(elements.ndim), numbers,
         c.c_int32(len(given)), c.byref(options), handle.result)
    return Factored(handle, method)


class Factored:
    """A kernel in low-rank form; `decompose` makes them."""

    #: The form, as `decompose` was told.
    method: str
    #: ||K - reconstruction|| / ||K||, of the factors as stored.
    relative_error: float
    #: What theory promises that the error stays under.
    error_bound: float
    #: Whether the iteration came to its end.
    converged: bool
    #: The weights of all stages together.
    weight_count: int
    #: The extents of the kernel.
    kernel_shape: tuple[int, ...]
    #: The ranks.
    ranks: tuple[int, ...]

    def __init__(self, handle: Handle, method: str) -> None:
        info = DecompositionInfo()
        call("lowrank_decomposition_get_info", handle.value, c.byref(info))
        self._handle, self._info, self.method = handle, info, method
        self._dtype = np.dtype(np.float64 if info.type == 2 else np.float32)
        self._plan: tuple[Any, Handle, PlanInfo] | None = None
        self.relative_error, self.error_bound = info.relative_error, info.error_bound
        self.converged, self.weight_count = bool(info.converged), info.weight_count
        self.kernel_shape = tuple(info.kernel_shape[: info.kernel_order])
        self.ranks = tuple(info.ranks[: info.rank_count])

    def __repr__(self) -> str:
        return (f"<lowrank.Factored {self.method} of {'x'.join(map(str, self.kernel_shape))}, ranks {self.ranks}, "
                f"relative error {self.relative_error:.4g}, {self.weight_count} weights>")

    @property
    def factors(self) -> dict[str, NDArray[Any]]:
        """Copies of the factors by name: core, mode1, mode2; left, right; and so on."""
        return dict(self._tensor(_FACTOR, index) for index in range(self._info.factor_count))

    @property
    def stages(self) -> list[NDArray[Any]]:
        """Copies of the weights of the convolutions that the form is run as, in order, [outputs, inputs / groups, ...]."""
        return [self._tensor(_STAGE, index)[1] for index in range(self._info.stage_count)]

    def _tensor(self, part: int, index: int) -> tuple[str, NDArray[Any]]:
        info = TensorInfo()
        call("lowrank_decomposition_get_tensor", self._handle.value, c.c_int32(part), c.c_int32(index), c.byref(info))
        elements = np.empty(tuple(info.shape[: info.order]), self._dtype)
        call(f"lowrank_decomposition_copy_{_suffix(self._dtype)}", self._handle.value, c.c_int32(part),
             c.c_int32(index), c.c_void_p(elements.ctypes.data), c.c_size_t(elements.size))
        return info.name.decode(), elements

    def reconstruct(self) -> NDArray[Any]:
        """The dense kernel that the factors stand for."""
        kernel = np.empty(self.kernel_shape, self._dtype)
        call(f"lowrank_decomposition_reconstruct_{_suffix(self._dtype)}", self._handle.value,
             c.c_void_p(kernel.ctypes.data), c.c_size_t(kernel.size))
        return kernel

    def run(self, x: NDArray[Any], bias: NDArray[Any] | None = None, *, stride: int | Sequence[int] = 1,
            padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, activation: str | None = None,
            threads: int = 1) -> NDArray[Any]:
        """Computes the convolution of `x`, [N, S, extents...], and gives [N, T, extents...].

        An `x` of the factors' type is read where it lies: row-major, or channel-last as `nhwc.transpose(0, 3, 1, 2)`
        gives it; other arrays are copied first. Padding is the same on both sides of an axis. `activation` is one of
        "relu", "sigmoid", "silu", "hard-swish", "tanh", "gelu". What is packed for one shape of `x` is kept for the next
        call of the same kind.
        """
        axes = len(self.kernel_shape) - 2
        if x.ndim != axes + 2:
            raise ValueError(f"x has {x.ndim} axes, a kernel of {len(self.kernel_shape)} axes takes as many")
        last = x.dtype == self._dtype and axes > 0 and np.moveaxis(x, 1, -1).flags.c_contiguous
        if not last:
            x = np.ascontiguousarray(x, self._dtype)

        def per_axis(value: int | Sequence[int]) -> tuple[int, ...]:
            return (int(value),) * axes if isinstance(value, (int, np.integer)) else tuple(value)

        setting = (per_axis(stride), per_axis(padding), per_axis(dilation))
        if any(len(values) != axes for values in setting):
            raise ValueError(f"stride, padding and dilation take one number, or {axes}")
        offset = None if bias is None else np.ascontiguousarray(bias, self._dtype)
        key = (x.shape, last, *setting, activation, threads, None if offset is None else offset.tobytes())
        plan, info = self._planned(key, offset)
        shape = (*info.output_shape[: info.order],)
        output = np.empty(shape, self._dtype)
        workspace = np.empty(info.workspace_bytes, np.uint8)
        call(f"lowrank_plan_run_{_suffix(self._dtype)}", plan.value, c.c_void_p(x.ctypes.data),
             c.c_size_t(x.size), c.c_void_p(output.ctypes.data), c.c_size_t(output.size),
             c.c_void_p(workspace.ctypes.data), c.c_size_t(workspace.size))
        return output

    def _planned(self, key: tuple[Any, ...], bias: NDArray[Any] | None) -> tuple[Handle, PlanInfo]:
        """The plan for a shape and a setting: that of the last run, where they are the same."""
        if self._plan is not None and self._plan[0] == key:
            return self._plan[1:]
        shape, last, stride, padding, dilation, activation, threads, _ = key
        geometry = Geometry(axes=len(shape) - 2, batch=shape[0], input=shape[2:], stride=stride, dilation=dilation,
                            padding_before=padding, padding_after=padding)
        options = PlanOptions(activation=_choice("activation", activation, _ACTIVATIONS), threads=threads,
                              input_layout=int(last))
        plan, info = Handle("plan"), PlanInfo()
        call(f"lowrank_plan_create_factored_{_suffix(self._dtype)}", c.byref(geometry), self._handle.value,
             c.c_void_p(None if bias is None else bias.ctypes.data), c.c_size_t(0 if bias is None else bias.size),
             c.byref(options), plan.result)
        call("lowrank_plan_get_info", plan.value, c.byref(info))
        if shape[1] != self.kernel_shape[1]:
            raise ValueError(f"x has {shape[1]} channels, the kernel takes {self.kernel_shape[1]}")
        self._plan = (key, plan, info)
        return plan, info
