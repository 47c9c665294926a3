import numpy as np
import pytest

import lowrank

EPSILON = {np.float32: 2.0**-23, np.float64: 2.0**-52}


def kernel(shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def convolution(weights, x, padding, stride):
    """The definition, by a window for each tap."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    height = (x.shape[2] - weights.shape[2]) // stride + 1
    width = (x.shape[3] - weights.shape[3]) // stride + 1
    output = np.zeros((x.shape[0], weights.shape[0], height, width))
    for i in range(weights.shape[2]):
        for j in range(weights.shape[3]):
            window = x[:, :, i : i + stride * height : stride, j : j + stride * width : stride]
            output += np.einsum("ts,nshw->nthw", weights[:, :, i, j].astype(np.float64), window)
    return output


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_full_ranks_reconstruct(dtype):
    k = kernel((12, 7, 3, 3), dtype)
    factored = lowrank.decompose(k, "tucker2", (12, 7))
    # Three products of orthogonal matrices, with sums of up to 12 terms.
    assert np.abs(factored.reconstruct() - k).max() <= 100 * EPSILON[dtype] * np.abs(k).max()
    assert factored.reconstruct().dtype == dtype and factored.relative_error <= 100 * EPSILON[dtype]


@pytest.mark.parametrize("method, ranks, names", [
    ("tucker2", (5, 4), {"core", "mode1", "mode2"}), ("spatial", 6, {"first", "second"}), ("cp3", 8, None)])
def test_the_error_is_that_of_the_factors(method, ranks, names):
    k = kernel((12, 7, 3, 3))
    factored = lowrank.decompose(k, method, ranks)
    error = np.linalg.norm(factored.reconstruct() - k) / np.linalg.norm(k)
    assert factored.relative_error == pytest.approx(error, rel=1e-4)
    assert sum(stage.size for stage in factored.stages) == factored.weight_count
    assert names is None or len(names & set(factored.factors)) >= 1


@pytest.mark.parametrize("padding, stride", [(0, 1), (1, 2)])
def test_run_is_the_convolution_of_the_reconstruction(padding, stride):
    factored = lowrank.decompose(kernel((12, 7, 3, 3)), "tucker2", (5, 4))
    x = kernel((2, 7, 9, 8), seed=1)
    bias = kernel(12, seed=2)
    expected = convolution(factored.reconstruct(), x, padding, stride) + bias[:, None, None]
    found = factored.run(x, bias, padding=padding, stride=stride)
    # Sums of at most 63 terms in three stages, of which Winograd's transforms lose a few more bits.
    assert np.abs(found - expected).max() <= 300 * EPSILON[np.float32] * np.abs(expected).max()
    assert (factored.run(x, bias, padding=padding, stride=stride, activation="relu") >= 0).all()


def test_channel_last_arrays_are_read_as_they_lie():
    factored = lowrank.decompose(kernel((12, 7, 3, 3)), "tucker2", (5, 4))
    x = kernel((2, 7, 9, 8), seed=1)
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    first, other = factored.run(x, padding=1), factored.run(last, padding=1)
    assert np.abs(first - other).max() <= 300 * EPSILON[np.float32] * np.abs(first).max()


def test_other_arrays_are_copied():
    factored = lowrank.decompose(kernel((12, 7, 3, 3)), "tucker2", (5, 4))
    x = kernel((4, 7, 9, 8), seed=1)
    assert np.array_equal(factored.run(x[::2]), factored.run(x[::2].copy()))


@pytest.mark.parametrize("arguments, part", [
    (("tucker2", (99, 4)), "rank"), (("tucker2", 4), "rank"), (("nothing", 4), "nothing"), (("svd", 4), "svd")])
def test_errors_say_what_is_wrong(arguments, part):
    with pytest.raises(ValueError, match=part):
        lowrank.decompose(kernel((12, 7, 3, 3)), *arguments)


def test_a_kernel_with_a_nan_is_refused():
    k = kernel((12, 7, 3, 3))
    k[0, 0, 0, 0] = np.nan
    with pytest.raises(lowrank.ArgumentError):
        lowrank.decompose(k, "tucker2", (5, 4))


def test_shapes_that_do_not_fit_are_refused():
    factored = lowrank.decompose(kernel((12, 7, 3, 3)), "tucker2", (5, 4))
    with pytest.raises(ValueError, match="channels"):
        factored.run(kernel((1, 6, 9, 8)))
    with pytest.raises(ValueError, match="axes"):
        factored.run(kernel((7, 9, 8)))


def test_handles_are_given_back():
    from lowrank._library import library

    before = library.lowrank_handle_count()
    for seed in range(5):
        lowrank.decompose(kernel((12, 7, 3, 3), seed=seed), "tucker2", (5, 4)).run(kernel((1, 7, 5, 5)))
    assert library.lowrank_handle_count() == before
