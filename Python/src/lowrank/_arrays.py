"""NumPy's arrays as the library takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._library import Array

#: The types of elements by their number in the library; 4, bfloat16, is none of NumPy's.
TYPES = {1: np.float32, 2: np.float64, 3: np.float16, 5: np.int8, 6: np.int16, 7: np.int32, 8: np.int64, 9: np.uint8,
         10: np.uint16, 11: np.uint32, 12: np.uint64, 13: np.bool_}
_CODES = {np.dtype(dtype): code for code, dtype in TYPES.items() if code != 3}


def prepared(array: ArrayLike, dtype: np.dtype[Any] | None) -> NDArray[Any]:
    """The array as the library takes it: itself, where it is row-major and of a type that the library knows."""
    given = np.asarray(array)
    if given.ndim > 8:
        raise ValueError(f"an array of {given.ndim} axes; the library takes up to 8")
    if given.dtype not in _CODES:
        kind = np.float32 if given.dtype.kind == "f" or dtype is None else dtype
        given = given.astype(np.float32 if np.dtype(kind) == np.float16 else kind)
    return np.asarray(given, order="C")


def described(array: NDArray[Any], name: str | None = None) -> Array:
    """A prepared array for the library, which is to be there as long as this; without a name it is the only input."""
    return Array(name=None if name is None else name.encode(), type=_CODES[array.dtype], order=array.ndim,
                 shape=array.shape, elements=array.ctypes.data, count=array.size)
