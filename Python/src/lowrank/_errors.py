"""What goes wrong, as exceptions."""

from __future__ import annotations


class LowRankError(Exception):
    """What the library answers where a call fails; the message says what is wrong and where."""

    #: The number of the answer in lowrank.h.
    status: int = 0


class ArgumentError(LowRankError, ValueError):
    """An argument is not one of those allowed, or does not fit the others."""


class ModelFileError(LowRankError, OSError):
    """A model cannot be read or written, or is not what it should be."""

    def __str__(self) -> str:
        return str(self.args[0])


class UnsupportedError(LowRankError, NotImplementedError):
    """A network has an operator or a setting that the library lacks; the message names the node."""


class TooLargeError(LowRankError, MemoryError):
    """Sizes are more than the machine, or BLAS, can hold."""


_KINDS: dict[int, type[LowRankError]] = {7: TooLargeError, 11: LowRankError, 13: ModelFileError, 14: LowRankError,
                                         15: UnsupportedError}


def error_of(status: int, message: str) -> LowRankError:
    """The exception for a status of lowrank.h."""
    error = _KINDS.get(status, ArgumentError)(message)
    error.status = status
    return error
