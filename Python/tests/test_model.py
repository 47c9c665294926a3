import numpy as np
import pytest

import lowrank


def test_compress_keeps_the_budget_and_tells_of_layers(example, tmp_path):
    told = []
    report = lowrank.compress(example, tmp_path / "half.onnx", macs=0.5, progress=lambda *step: told.append(step))
    assert 2 * report["model"]["macsAfter"] <= report["model"]["macsBefore"]
    assert (tmp_path / "half.onnx").stat().st_size < example.stat().st_size
    assert told and any(done == total for done, total, _ in told) and all(layer for _, _, layer in told)
    lowrank.Network(tmp_path / "half.onnx")


@pytest.mark.parametrize("weights, part", [("original", 1.0), ("float16", 0.55), ("int8", 0.35), ("auto", 0.55)])
def test_weights_are_stored_shorter(example, tmp_path, weights, part):
    sizes = []
    for name, storage in (("plain.onnx", "original"), ("stored.onnx", weights)):
        lowrank.compress(example, tmp_path / name, macs=0.5, weights=storage)
        sizes.append((tmp_path / name).stat().st_size)
    assert sizes[1] <= part * sizes[0]
    with pytest.raises(ValueError, match="weights"):
        lowrank.compress(example, tmp_path / "x.onnx", weights="int4")


def test_runs_are_timed_on_request(example, tmp_path):
    report = lowrank.compress(example, tmp_path / "half.onnx", macs=0.5, threads=1, time_run=True)
    time = report["time"]
    assert time["threads"] == 1 and time["isFaster"] == (time["measuredMs"] <= 0.98 * time["denseMs"])
    assert "time" not in lowrank.compress(example, tmp_path / "half.onnx", macs=0.5)


def test_data_and_time_decide(example, tmp_path):
    images = np.random.default_rng(7).random((20, 1, 28, 28), np.float32)
    report = lowrank.compress(example, tmp_path / "half.onnx", latency=0.6, calibrate=images, threads=1)
    fitted, time = report["calibration"], report["time"]
    assert fitted["samples"] == 16 and fitted["heldOut"] == 4 and time["measuredMs"] < time["denseMs"]
    dense, small = lowrank.Network(example), lowrank.Network(tmp_path / "half.onnx")
    answers = [network(images[4:6]) for network in (dense, small)]
    assert np.linalg.norm(answers[1] - answers[0]) < 0.5 * np.linalg.norm(answers[0])
    kept = lowrank.compress(example, tmp_path / "kept.onnx", macs=0.3, calibrate=(255 * images).astype(np.uint8),
                            min_agreement=1)
    assert all(output["agreement"] == 1 for output in kept["calibration"]["outputs"])


def test_data_that_do_not_fit_are_refused(example, tmp_path):
    images = np.random.default_rng(7).random((20, 1, 28, 28), np.float32)
    out = tmp_path / "out.onnx"
    with pytest.raises(ValueError, match="budget"):
        lowrank.compress(example, out, calibrate=images)
    with pytest.raises(ValueError, match="min_agreement"):
        lowrank.compress(example, out, macs=0.5, min_agreement=0.9)
    with pytest.raises(lowrank.ArgumentError, match="min_agreement"):
        lowrank.compress(example, out, macs=0.5, calibrate=images, min_agreement=2)
    with pytest.raises(lowrank.ArgumentError, match="same one"):
        lowrank.compress(example, out, macs=0.5, calibrate=np.zeros((20, 1, 28, 28), np.float32))
    with pytest.raises(lowrank.LowRankError, match="28"):
        lowrank.compress(example, out, macs=0.5, calibrate=images[:, :, :20])
    images[3, 0, 5, 5] = np.nan
    with pytest.raises(lowrank.ArgumentError, match="sample 3"):
        lowrank.compress(example, out, macs=0.5, calibrate=images)
    assert list(tmp_path.iterdir()) == []


def test_inspect_reports_every_layer(example):
    report = lowrank.inspect(example)
    assert report["model"]["macs"] == 22050560 and len(report["layers"]) >= 3


def test_what_progress_raises_arrives(example, tmp_path):
    class Stop(Exception):
        pass

    def stop(done, total, layer):
        raise Stop

    with pytest.raises(Stop):
        lowrank.compress(example, tmp_path / "half.onnx", macs=0.5, progress=stop)


def test_errors_say_what_is_wrong(example, tmp_path):
    with pytest.raises(lowrank.ModelFileError, match="none.onnx"):
        lowrank.compress("none.onnx", tmp_path / "out.onnx")
    with pytest.raises(lowrank.ArgumentError):
        lowrank.compress(example, example)
    with pytest.raises(ValueError, match="macs and error"):
        lowrank.compress(example, tmp_path / "out.onnx", macs=0.5, error=0.3)
    with pytest.raises(ValueError, match="method"):
        lowrank.compress(example, tmp_path / "out.onnx", method="all")
    assert list(tmp_path.iterdir()) == []
