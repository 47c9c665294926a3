#!/usr/bin/env python3
"""Train a network of the 36 characters that render.py makes, and write it as ONNX.

    python train.py lebedev|vgg DATA OUT.onnx [--epochs N]

`lebedev` has the shape of the network that Lebedev et al. (arXiv 1412.6553, 4.1) made 8.5 times as fast, which is Jaderberg's of
2014: convolutions of 9x9, 9x9, 8x8 and 1x1 on 24 x 24 grey pixels, with BatchNormalization and ReLU where theirs has maxout.
`vgg` has 3x3 convolutions with BatchNormalization, 1.2 million weights. Needs torch, onnx and numpy; one thread. A run that was killed goes on from
OUT.onnx.state. Prints the accuracy on the test part, which no choice was made by.
"""
import argparse, os, sys, time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from training import adam, export

SEED, BATCH = 2024, 50


def lebedev():
    layers, inputs = [], 1
    for outputs, side in ((48, 9), (128, 9), (256, 8)):
        layers += [nn.Conv2d(inputs, outputs, side, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers, nn.Dropout(0.3), nn.Conv2d(256, 36, 1), nn.Flatten())


def vgg():
    layers, inputs = [], 1
    for outputs, pool in ((32, True), (64, False), (64, True), (128, False), (128, False), (256, True)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        if pool:
            layers.append(nn.MaxPool2d(2))
        inputs = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 9, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 36))


# The peak of the learning rate, and the decoupled weight decay: strong, as in Examples/mnist/train.py.
NETWORKS = {"lebedev": (lebedev, 2e-3, 0.5), "vgg": (vgg, 2e-3, 0.5)}


def shifted(images):
    """Each picture moved by up to a pixel."""
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    moves = torch.randint(0, 3, (len(images), 2)).tolist()
    return torch.stack([padded[i, :, y:y + 24, x:x + 24] for i, (y, x) in enumerate(moves)])


def accuracy(network, images, labels):
    network.eval()
    with torch.no_grad():
        made = torch.cat([network(part).argmax(1) for part in images.split(200)])
    return (made == labels).float().mean().item()


def train(network, images, labels, epochs, rate, decay, state):
    steps = len(images) // BATCH
    optimizer, schedule = adam(network, rate, decay, epochs * steps)
    parts = {"network": network, "optimizer": optimizer, "schedule": schedule}
    first = 0
    if os.path.exists(state):
        kept = torch.load(state)
        for name, part in parts.items():
            part.load_state_dict(kept[name])
        torch.set_rng_state(kept["chance"])
        first = kept["epoch"]
    for epoch in range(first, epochs):
        network.train()
        total, start = 0.0, time.monotonic()
        for rows in torch.randperm(len(images))[: steps * BATCH].split(BATCH):
            loss = functional.cross_entropy(network(shifted(images[rows])), labels[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        torch.save({**{name: part.state_dict() for name, part in parts.items()}, "chance": torch.get_rng_state(),
                    "epoch": epoch + 1}, state)
        print(f"epoch {epoch + 1:2}  loss {total / steps:.4f}  {time.monotonic() - start:.1f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=sorted(NETWORKS))
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    images, labels, test, answers = (torch.from_numpy(np.load(os.path.join(options.data, f"{part}_{kind}.npy")))
                                     for part in ("training", "test") for kind in ("images", "labels"))
    make, rate, decay = NETWORKS[options.network]
    network, start = make(), time.monotonic()
    state = options.out + ".state"
    train(network, images, labels, options.epochs, rate, decay, state)
    export(network, 24, options.out)
    os.remove(state)
    print(f"{options.network}: {sum(p.numel() for p in network.parameters())} weights, training "
          f"{accuracy(network, images[:2000], labels[:2000]):.2%}, test {accuracy(network, test, answers):.2%}, "
          f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
