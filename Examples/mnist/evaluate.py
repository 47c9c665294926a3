#!/usr/bin/env python3
"""Compare a compressed network with its original on the 500 test digits, in ONNX Runtime on one thread.

    python evaluate.py ORIGINAL.onnx COMPRESSED.onnx [--json]

Prints each model's accuracy and time, how often their predictions agree, and how far their logits lie apart.
"""
import argparse, json, os, sys, time

try:
    import numpy as np
    import onnxruntime
except ImportError as missing:
    print(f"evaluate.py needs {missing.name}: python3 -m venv venv && venv/bin/pip install onnxruntime numpy, "
          "then run it with venv/bin/python.", file=sys.stderr)
    sys.exit(3)

FOLDER = os.path.dirname(os.path.abspath(__file__))


def open_session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        sys.exit(f"evaluate.py: {path}: {error}")


def run(session, images):
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def time_both(sessions, batch, rounds):
    """The median ms of a batch for each session. They take turns at going first, so that what else the machine does
    slows both alike; one round before warms them up."""
    times = [[] for _ in sessions]
    for turn in range(-1, rounds):
        for index in sorted(range(len(sessions)), reverse=turn % 2 == 1):
            start = time.perf_counter()
            run(sessions[index], batch)
            if turn >= 0:
                times[index].append((time.perf_counter() - start) * 1e3)
    return [float(np.median(taken)) for taken in times]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("original")
    parser.add_argument("compressed")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.add_argument("--batch", type=int, default=100, help="images in a timed batch (default 100)")
    parser.add_argument("--rounds", type=int, default=20, help="timed batches; their median is printed (default 20)")
    options = parser.parse_args()
    images = np.load(os.path.join(FOLDER, "test_images.npy"))
    labels = np.load(os.path.join(FOLDER, "test_labels.npy"))
    if not 1 <= options.batch <= len(images) or options.rounds < 1:
        parser.error(f"--batch must lie in 1...{len(images)} and --rounds be at least 1")
    paths = [options.original, options.compressed]
    sessions = [open_session(path) for path in paths]
    logits = [run(session, images) for session in sessions]
    predictions = [values.argmax(1) for values in logits]
    times = time_both(sessions, images[: options.batch], options.rounds)
    result = {
        "images": len(images), "batch": options.batch,
        "agreement": float((predictions[0] == predictions[1]).mean()),
        "largestDifference": float(np.abs(logits[0] - logits[1]).max()),
    }
    for key, path, predicted, ms in zip(("original", "compressed"), paths, predictions, times):
        result[key] = {
            "path": path, "bytes": os.path.getsize(path), "accuracy": float((predicted == labels).mean()),
            "milliseconds": round(ms, 3)}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'':12}{'accuracy':>10}{'ms':>10}{'bytes':>12}   ({options.batch} images a batch, one thread)")
    for key in ("original", "compressed"):
        row = result[key]
        print(f"{key:12}{row['accuracy']:>10.2%}{row['milliseconds']:>10.2f}{row['bytes']:>12}")
    print(f"the predictions agree on {result['agreement']:.2%} of {len(images)} images; "
          f"the logits differ by at most {result['largestDifference']:.3g}")


if __name__ == "__main__":
    main()
