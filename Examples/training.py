"""What the networks of the examples are trained and written with. Needs torch and onnx."""
import warnings

import onnx
import torch


def adam(network, rate, decay, steps):
    """AdamW and its schedule of so many steps up to a rate and down again; biases and normalizations do not decay."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": 0}], lr=rate)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.15)


def export(network, side, path):
    """Writes a network of grey images of side x side pixels with its BatchNormalization nodes, and returns it; they are folded by
    who compresses it, not here."""
    network.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.zeros(1, 1, side, side),), path, opset_version=17, dynamo=False, do_constant_folding=False,
            training=torch.onnx.TrainingMode.PRESERVE, input_names=["image"], output_names=["logits"],
            dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    return model
