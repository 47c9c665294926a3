"""Model files: looked at, and made smaller."""

from __future__ import annotations

import ctypes as c
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike

from ._arrays import described, prepared
from ._library import Handle, ModelOptions, Progress, call

_METHODS = {"auto": 0, "tucker2": 1, "svd": 2, "spatial": 3, "channel": 4}
_CRITERIA = {"error": 1, "energy": 2, "ranks_ratio": 3, "macs": 4, "params": 5, "latency": 6, "target_ms": 7}
_BUDGETS = ("macs", "params", "latency", "target_ms")
_WEIGHTS = {"original": 0, "float16": 1, "int8": 2, "auto": 3}

Path = str | os.PathLike[str]


def inspect(model: Path, *, threads: int = 0, input_shapes: Mapping[str, Sequence[int]] | None = None) -> dict[str, Any]:
    """What every layer of an ONNX file costs, and what factoring would save: the report of `lowrank inspect --json`."""
    options, _kept = _options(None, threads=threads, input_shapes=input_shapes)
    report = Handle("report")
    call("lowrank_model_inspect", os.fsencode(model), c.byref(options), report.result)
    return _read(report)


def compress(model: Path, output: Path, *, macs: float | None = None, params: float | None = None,
             latency: float | None = None, target_ms: float | None = None, error: float | None = None,
             energy: float | None = None, ranks_ratio: float | None = None, calibrate: ArrayLike | None = None,
             min_agreement: float = 0, method: str = "auto", layers: str | None = None, skip: str | None = None, rank_multiple: int = 0,
             fold_batch_norm: bool = True, input_shapes: Mapping[str, Sequence[int]] | None = None, threads: int = 0,
             weights: str = "original", time_run: bool = False,
             progress: Callable[[int, int, str], None] | None = None) -> dict[str, Any]:
    """Factors the layers of an ONNX file, writes another, and gives the report of `lowrank compress --json`.

    Of these at most one is given:

    macs, params   the part of the whole model's multiplies or weights to keep; the layers share it so that least is lost
    latency        the part to keep of the time that a run takes here on `threads` threads; the forms are timed for it
    target_ms      the milliseconds that a run may take here, likewise
    error          each layer's relative error at most; 0.3 where nothing is given
    energy         the part of each mode's energy to keep
    ranks_ratio    each rank as a part of the full one

    calibrate      some dozens of inputs without labels, one for each place on the first axis: each layer is fitted to what it
                   does on them, and `calibration` in the report tells how far the outputs are off on a fifth that was kept
                   out. For models of one input, with macs, params, latency or target_ms. Accuracy mostly hangs on it
    min_agreement  with `calibrate`: stop where the answers on the inputs kept out are the original's in less than this part,
                   or for maps where they are off by more than 1 less this; the budget is then the least that is tried

    method         "auto", or only one of "tucker2", "svd", "spatial", "channel"
    layers, skip   regular expressions: the layers to factor, and those to keep
    rank_multiple  ranks are rounded up to a multiple of it; 0 for what suits the machine
    input_shapes   for inputs whose shapes the model leaves open, such as {"image": (1, 3, 224, 224)}
    threads        0 for one a processor
    weights        how weights of float32 are stored: "original", "float16", "int8" with a scale for each output channel,
                   or "auto" for the shorter that adds little to a layer's error
    time_run       whether a run of both networks is timed at the end, as the command does: `time` in the report, whose
                   `isFaster` says whether fewer multiplies are less time here, or `notTimed` with the reason
    progress       is called with the layers that are done, all layers, and the name of the last one, or while all are timed
                   with turns and no name; what it raises is raised here when the work is done

    The output appears whole or not at all, and may not be the file that is read.

        report = lowrank.compress("model.onnx", "smaller.onnx", latency=0.5, calibrate=photographs)
        print(report["time"]["denseMs"], report["time"]["measuredMs"], report["calibration"]["outputs"])
    """
    given = {"macs": macs, "params": params, "latency": latency, "target_ms": target_ms, "error": error, "energy": energy,
             "ranks_ratio": ranks_ratio}
    chosen = [(name, value) for name, value in given.items() if value is not None]
    if len(chosen) > 1:
        raise ValueError(f"give one of {' and '.join(name for name, _ in chosen)}, not several")
    if calibrate is not None and not any(name in _BUDGETS for name, _ in chosen):
        raise ValueError(f"calibrate shares out a budget by data: give one of {', '.join(_BUDGETS)}")
    if min_agreement and calibrate is None:
        raise ValueError("min_agreement is judged on inputs: give calibrate")
    raised: list[BaseException] = []

    def tell(_: Any, layer: bytes, done: int, total: int) -> None:
        try:
            if progress is not None and not raised:
                progress(done, total, layer.decode())
        except BaseException as exception:  # no exception may go through the library
            raised.append(exception)

    options, _kept = _options(chosen[0] if chosen else None, method=method, layers=layers, skip=skip,
                              rank_multiple=rank_multiple, fold_batch_norm=fold_batch_norm, threads=threads,
                              input_shapes=input_shapes, weights=weights, time_run=time_run)
    samples = None if calibrate is None else prepared(calibrate, None)
    if samples is not None:
        options.samples, options.min_agreement = c.pointer(described(samples)), min_agreement
    if progress is not None:
        options.progress = Progress(tell)
    report = Handle("report")
    call("lowrank_model_compress", os.fsencode(model), os.fsencode(output), c.byref(options), report.result)
    if raised:
        raise raised[0]
    return _read(report)


def _options(criterion: tuple[str, float] | None, *, method: str = "auto", layers: str | None = None,
             skip: str | None = None, rank_multiple: int = 0, fold_batch_norm: bool = True, threads: int = 0,
             input_shapes: Mapping[str, Sequence[int]] | None = None,
             weights: str = "original", time_run: bool = False) -> tuple[ModelOptions, Any]:
    """The options of the library, and what they point at."""
    if method not in _METHODS:
        raise ValueError(f"method is {method!r}, not one of {', '.join(_METHODS)}")
    if weights not in _WEIGHTS:
        raise ValueError(f"weights is {weights!r}, not one of {', '.join(_WEIGHTS)}")
    texts = [f"{name}={','.join(map(str, shape))}".encode() for name, shape in (input_shapes or {}).items()]
    shapes = (c.c_char_p * max(1, len(texts)))(*texts)
    options = ModelOptions(method=_METHODS[method], rank_multiple=rank_multiple, threads=threads,
                           keep_batch_norm=int(not fold_batch_norm), weights=_WEIGHTS[weights], time_run=int(time_run),
                           input_shapes=shapes, input_shape_count=len(texts),
                           layers=layers.encode() if layers is not None else None,
                           skip=skip.encode() if skip is not None else None)
    if criterion is not None:
        options.criterion, options.criterion_value = _CRITERIA[criterion[0]], criterion[1]
    return options, shapes


def _read(report: Handle) -> dict[str, Any]:
    length = c.c_size_t()
    call("lowrank_report_copy", report.value, None, c.c_size_t(0), c.byref(length))
    text = c.create_string_buffer(length.value + 1)
    call("lowrank_report_copy", report.value, text, c.c_size_t(len(text)), None)
    data: dict[str, Any] = json.loads(text.value)
    return data
