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
