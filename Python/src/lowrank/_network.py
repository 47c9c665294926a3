"""Whole networks, run."""

from __future__ import annotations

import ctypes as c
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arrays import TYPES, described, prepared
from ._library import Array, Handle, NetworkInfo, NetworkOptions, ValueInfo, call

_OPEN, _BRAIN_FLOAT = -1, 4


@dataclass(frozen=True)
class Value:
    """What a network says of an input or output."""

    #: Its name.
    name: str
    #: The type of its elements; None where the model does not say.
    dtype: np.dtype[Any] | None
    #: Its extents, None where one is open; None where not even their number is known.
    shape: tuple[int | None, ...] | None


class Network:
    """An ONNX network, ready to run on NumPy arrays.

        network = lowrank.Network("model.onnx")
        scores = network(image)                                       # one input, one output
        boxes, scores = network(image=image, size=size)               # by name
        inner = network.run({"image": image}, outputs=["conv3_out"])  # any value inside of the network

    model     a path, or the bytes of a file
    threads   that share one run; the results do not depend on it
    winograd  False for the smallest rounding error, at some cost in time

    Inputs may have any shape that the network leaves open; each is planned once. A network may be called from several
    threads: calls take turns, and `copy()` gives another that shares the weights and runs beside it.
    """

    #: What the network takes.
    inputs: tuple[Value, ...]
    #: What it makes.
    outputs: tuple[Value, ...]
    #: The bytes of the weights.
    weight_bytes: int

    def __init__(self, model: str | os.PathLike[str] | bytes, *, threads: int = 1, winograd: bool = True) -> None:
        options = NetworkOptions(threads=threads, winograd=0 if winograd else 1)
        handle = Handle("network")
        if isinstance(model, bytes):
            call("lowrank_network_create", model, c.c_size_t(len(model)), c.byref(options), handle.result)
        else:
            call("lowrank_network_open", os.fsencode(model), c.byref(options), handle.result)
        info = NetworkInfo()
        call("lowrank_network_get_info", handle.value, c.byref(info))
        self._network, self.weight_bytes = handle, info.weight_bytes
        self.inputs = tuple(self._value(0, index) for index in range(info.input_count))
        self.outputs = tuple(self._value(1, index) for index in range(info.output_count))
        self._session, self._turn = self._new_session(), threading.Lock()

    def _new_session(self) -> Handle:
        session = Handle("session")
        call("lowrank_session_create", self._network.value, session.result)
        return session

    def copy(self) -> Network:
        """Another network with the same weights, in the same memory, which runs beside this one."""
        other = object.__new__(Network)
        other.__dict__.update(self.__dict__)
        other._session, other._turn = other._new_session(), threading.Lock()
        return other

    def _value(self, direction: int, index: int) -> Value:
        info = ValueInfo()
        call("lowrank_network_get_value", self._network.value, c.c_int32(direction), c.c_int32(index), c.byref(info))
        shape = None
        if info.order >= 0:
            shape = tuple(None if extent == _OPEN else extent for extent in info.shape[: info.order])
        kind = np.float32 if info.type == _BRAIN_FLOAT else TYPES.get(info.type)
        return Value(info.name.decode(), None if kind is None else np.dtype(kind), shape)

    def __repr__(self) -> str:
        def signature(values: tuple[Value, ...]) -> str:
            return ", ".join(f"{v.name}{list(v.shape) if v.shape is not None else ''}" for v in values)

        return f"<lowrank.Network ({signature(self.inputs)}) -> ({signature(self.outputs)})>"

    def __call__(self, *arrays: ArrayLike, **named: ArrayLike) -> NDArray[Any] | tuple[NDArray[Any], ...]:
        """Runs the network; gives its output, or a tuple of them where there are several."""
        if len(arrays) > len(self.inputs):
            raise TypeError(f"{len(arrays)} arrays for {len(self.inputs)} inputs")
        given = {value.name: array for value, array in zip(self.inputs, arrays)}
        twice = given.keys() & named.keys()
        if twice:
            raise TypeError(f"the input '{min(twice)}' is given twice")
        made = self._run({**given, **named}, [value.name for value in self.outputs])
        return made[0] if len(made) == 1 else tuple(made)

    def run(self, inputs: dict[str, ArrayLike], outputs: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Runs the network on inputs by name and gives outputs by name; `outputs` may name any value inside of it."""
        names = [value.name for value in self.outputs] if outputs is None else list(outputs)
        return dict(zip(names, self._run(inputs, names)))

    def _run(self, inputs: dict[str, ArrayLike], names: list[str]) -> list[NDArray[Any]]:
        types = {value.name: value.dtype for value in self.inputs}
        kept = {name: prepared(array, types.get(name)) for name, array in inputs.items()}
        given = [described(array, name) for name, array in kept.items()]
        wanted = [Array(name=name.encode()) for name in names]
        # Until the outputs are fetched: another run would replace them.
        with self._turn:
            call("lowrank_session_run", self._session.value, _pointers(given), c.c_int32(len(given)),
                 _pointers(wanted), c.c_int32(len(wanted)))
            return [self._fetched(index, told) for index, told in enumerate(wanted)]

    def _fetched(self, index: int, told: Array) -> NDArray[Any]:
        """An output of the last run."""
        array = np.empty(tuple(told.shape[: told.order]), TYPES[told.type])
        call("lowrank_session_copy", self._session.value, c.c_int32(index), c.c_int32(told.type),
             c.c_void_p(array.ctypes.data), c.c_size_t(array.size))
        return array


def _pointers(arrays: list[Array]) -> Any:
    kind = c.POINTER(Array)
    return (kind * max(1, len(arrays)))(*[c.pointer(array) for array in arrays])
