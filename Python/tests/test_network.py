import threading

import numpy as np
import pytest

import lowrank


@pytest.fixture
def images():
    return np.random.default_rng(0).standard_normal((3, 1, 28, 28)).astype(np.float32)


@pytest.mark.parametrize("name", ["conv2d", "conv-bn", "conv2d-same-upper", "gemm", "matmul-left-3d", "conv-transpose"])
def test_answers_are_those_of_onnx_runtime(vectors, name):
    x, expected = np.load(vectors / f"{name}.input.npy"), np.load(vectors / f"{name}.output.npy")
    found = lowrank.Network(vectors / f"{name}.onnx")(x)
    assert found.shape == expected.shape and found.dtype == expected.dtype
    # Both compute with floats, in another order: some 100 roundings of the largest.
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_a_network_says_what_it_takes(example):
    network = lowrank.Network(example)
    assert network.inputs == (lowrank.Value("image", np.dtype(np.float32), (None, 1, 28, 28)),)
    assert network.outputs[0].shape == (None, 10) and "image" in repr(network)
    assert network.weight_bytes > 1_000_000


def test_batches_types_and_strides(example, images):
    network = lowrank.Network(example)
    scores = network(images)
    assert scores.shape == (3, 10) and network(images[:1]).shape == (1, 10)
    assert np.array_equal(network(images.astype(np.float64)), scores)
    assert np.array_equal(network(image=images[::-1]), network(images[::-1].copy()))
    assert np.array_equal(lowrank.Network(example.read_bytes())(images), scores)
    assert np.array_equal(lowrank.Network(example, threads=2)(images), scores)


def test_inner_values_by_name(example, images):
    network = lowrank.Network(example)
    made = network.run({"image": images}, [network.outputs[0].name, "image"])
    assert np.array_equal(made["image"], images)


def test_threads_take_turns_or_have_copies(example, images):
    network = lowrank.Network(example)
    expected = [network(images[i : i + 1]) for i in range(3)]
    wrong = []

    def work(runner, place):
        for _ in range(30):
            if not np.array_equal(runner(images[place : place + 1]), expected[place]):
                wrong.append(place)

    threads = [threading.Thread(target=work, args=(network if i % 2 else network.copy(), i % 3)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_errors_say_what_is_wrong(example, vectors, images):
    network = lowrank.Network(example)
    with pytest.raises(lowrank.ArgumentError, match="1x1x28x27"):
        network(images[:1, :, :, :27])
    with pytest.raises(lowrank.ArgumentError, match="'image'"):
        network()
    with pytest.raises(TypeError, match="twice"):
        network(images, image=images)
    with pytest.raises(lowrank.ArgumentError, match="'nothing'"):
        network.run({"image": images}, ["nothing"])
    with pytest.raises(lowrank.UnsupportedError, match="node '"):
        lowrank.Network(vectors / "local-function.onnx")
    with pytest.raises(OSError, match="none.onnx"):
        lowrank.Network("none.onnx")
    with pytest.raises(lowrank.ModelFileError):
        lowrank.Network(b"nothing")
