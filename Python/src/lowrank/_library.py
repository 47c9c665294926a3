"""The shared library: where it is, its structures and its calls, as lowrank.h has them."""

from __future__ import annotations

import ctypes as c
import os
from pathlib import Path
from typing import Any

from ._errors import error_of

MAX_ORDER, MAX_AXES = 8, 6


def _load() -> c.CDLL:
    """The library that LOWRANK_LIBRARY names, that of this package, or that of the system, in this order."""
    named = os.environ.get("LOWRANK_LIBRARY")
    inside = Path(__file__).parent / "lib" / "liblowrank.so.1"
    return c.CDLL(named or (str(inside) if inside.exists() else "liblowrank.so.1"))


library = _load()
library.lowrank_last_error.restype = c.c_char_p
library.lowrank_handle_count.restype = c.c_size_t


def call(name: str, *arguments: Any) -> None:
    """Calls a function of the library; what it answers other than LOWRANK_OK is raised."""
    status = getattr(library, name)(*arguments)
    if status != 0:
        raise error_of(status, library.lowrank_last_error().decode())


class Handle:
    """A handle of the library, given back when nobody refers to it any more."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.value = c.c_void_p()
        self._destroy = getattr(library, f"lowrank_{kind}_destroy")

    @property
    def result(self) -> Any:
        """Where a function writes the handle that it makes."""
        return c.byref(self.value)

    def __del__(self) -> None:
        if getattr(self, "value", None):
            self._destroy(self.value)


class Structure(c.Structure):
    """A structure of lowrank.h, which begins with its own size; what is not named is 0."""

    def __init__(self, **values: Any) -> None:
        super().__init__(struct_size=c.sizeof(type(self)))
        for name, value in values.items():
            if isinstance(value, (list, tuple)):
                getattr(self, name)[: len(value)] = value
            else:
                setattr(self, name, value)


def _members(kind: Any, *names: str) -> list[tuple[str, Any]]:
    return [(name, kind) for name in names]


class SystemInfo(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_char * 16, "version", "architecture", "kernels"),
        *_members(c.c_char * 32, "blas_core"), *_members(c.c_char * 192, "blas"),
        *_members(c.c_int32, "blas_threads", "reserved")]


class DecomposeOptions(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_int32, "tucker2_algorithm", "cp_iterations"),
        *_members(c.c_double, "cp_tolerance"), *_members(c.c_uint64, "cp_seed")]


class DecompositionInfo(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_int32, "method", "type", "kernel_order", "rank_count"),
        *_members(c.c_int64 * MAX_ORDER, "kernel_shape"), *_members(c.c_int64 * 2, "ranks"),
        *_members(c.c_int32, "factor_count", "stage_count"), *_members(c.c_int64, "weight_count"),
        *_members(c.c_double, "relative_error", "error_bound"), *_members(c.c_int32, "sweeps", "converged"),
        *_members(c.c_double, "sensitivity")]


class TensorInfo(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_char * 16, "name"),
        *_members(c.c_int32, "order", "groups"), *_members(c.c_int64 * MAX_ORDER, "shape"),
        *_members(c.c_int64, "count")]


class Geometry(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_int32, "axes", "groups"), *_members(c.c_int64, "batch"),
        *_members(c.c_int64 * MAX_AXES, "input", "stride", "dilation", "padding_before", "padding_after")]


class PlanOptions(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_int32, "backend", "winograd", "activation", "threads"),
        *_members(c.c_double, "clip_low", "clip_high", "alpha", "beta"), *_members(c.c_void_p, "slopes"),
        *_members(c.c_size_t, "slope_count"), *_members(c.c_int32, "input_layout", "output_layout"),
        *_members(c.c_int64, "input_stride", "input_image_stride", "output_stride", "output_image_stride")]


class PlanInfo(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_int32, "type", "order"),
        *_members(c.c_int64 * MAX_ORDER, "input_shape", "output_shape"),
        *_members(c.c_size_t, "input_count", "output_count", "workspace_bytes"),
        *_members(c.c_int64, "multiplies"), *_members(c.c_int32, "stage_count", "threads")]


Progress = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p, c.c_int64, c.c_int64)


class Array(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_char_p, "name"), *_members(c.c_int32, "type", "order"),
        *_members(c.c_int64 * MAX_ORDER, "shape"), *_members(c.c_void_p, "elements"), *_members(c.c_size_t, "count")]


class ModelOptions(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_int32, "method", "criterion"),
        *_members(c.c_double, "criterion_value"), *_members(c.c_int32, "rank_multiple", "threads"),
        *_members(c.c_char_p, "layers", "skip"), *_members(c.POINTER(c.c_char_p), "input_shapes"),
        *_members(c.c_int32, "input_shape_count", "keep_batch_norm"), *_members(Progress, "progress"),
        *_members(c.c_void_p, "progress_context"), *_members(c.c_int32, "weights", "time_run"),
        *_members(c.POINTER(Array), "samples"), *_members(c.c_double, "min_agreement")]


class NetworkOptions(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_int32, "threads", "winograd"),
        *_members(c.c_int64, "memory_limit")]


class NetworkInfo(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_int32, "input_count", "output_count"),
        *_members(c.c_int64, "weight_bytes")]


class ValueInfo(Structure):
    _fields_ = [
        *_members(c.c_size_t, "struct_size"), *_members(c.c_char_p, "name"), *_members(c.c_int32, "type", "order"),
        *_members(c.c_int64 * MAX_ORDER, "shape")]
