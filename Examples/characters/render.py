#!/usr/bin/env python3
"""Render the 36 characters (digits, and letters of either case) as pictures of 24 x 24 grey pixels.

    python render.py CACHE OUT [--training 8000] [--test 2000]

Writes {training,test}_{images,labels}.npy to OUT. Fonts are those of Debian packages; the families of the test part are in no
training picture. Behind a character lies a crop of a photograph of the public set (CACHE, see scripts/checks/real_models.sh); it is
turned and seen aslant, has neighbours as in a word, little or much contrast, blur and noise. Seeds are fixed: the same versions
of fonts and Pillow give the same pictures. Each has mean 0 and variance 1, as Jaderberg et al. (2014) have them.
"""
import argparse, glob, os, sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIDE, DRAWN = 24, 72
PACKAGES = ("fonts-dejavu-core fonts-liberation fonts-freefont-ttf fonts-roboto-unhinted fonts-lato fonts-cantarell"
            " fonts-crosextra-carlito fonts-open-sans fonts-linuxlibertine fonts-urw-base35 fonts-hack fonts-inconsolata").split()
# Folders of families under /usr/share/fonts. Carlito is drawn after Lato, Hack after DejaVu, Liberation and FreeFont after the
# same originals as URW's: those that are related stay on one side.
TRAINED = ["truetype/dejavu", "truetype/liberation", "truetype/freefont", "truetype/lato", "truetype/crosextra",
           "truetype/open-sans", "opentype/urw-base35", "truetype/hack"]
TESTED = ["truetype/roboto", "opentype/cantarell", "opentype/linux-libertine", "truetype/inconsolata"]
# Symbols, and hands that nobody prints in.
LEFT_OUT = ("D050000L", "StandardSymbols", "Z003", "LinBiolinum_K", "DejaVuMathTeX", "Hairline")
PHOTOGRAPHS = {"training": "brick camera chelsea coffee coins grass gravel motorcycle_left page text".split(),
               "test": "astronaut clock_motion motorcycle_right color".split()}


def fonts(folders):
    files = sorted(path for folder in folders for end in ("ttf", "otf")
                   for path in glob.glob(f"/usr/share/fonts/{folder}/**/*.{end}", recursive=True))
    files = [path for path in files if not any(word in path for word in LEFT_OUT)]
    missing = [folder for folder in folders if not any(f"/{folder}/" in path for path in files)]
    if missing:
        sys.exit(f"render.py: no fonts in {', '.join(missing)} of /usr/share/fonts: apt-get install {' '.join(PACKAGES)}")
    return [ImageFont.truetype(path, DRAWN) for path in files]


def background(chance, photographs):
    """A piece of a photograph, at some scale."""
    pixels = photographs[chance.integers(len(photographs))]
    size = int(chance.integers(SIDE, 1 + min(6 * SIDE, *pixels.size)))
    x, y = (int(chance.integers(0, extent - size + 1)) for extent in pixels.size)
    return np.asarray(pixels.crop((x, y, x + size, y + size)).resize((SIDE, SIDE), Image.BILINEAR), dtype=np.float32)


def mask(chance, font, character):
    """How much of each pixel a character and its neighbours cover, aslant."""
    left, top, right, bottom = font.getbbox(character)
    drawn = Image.new("L", (3 * DRAWN, 3 * DRAWN))
    x, y = (3 * DRAWN - (right - left)) / 2 - left, (3 * DRAWN - (bottom - top)) / 2 - top
    draw = ImageDraw.Draw(drawn)
    draw.text((x, y), character, fill=255, font=font)
    for side in (-1, 1):
        if chance.random() < 0.35:
            other = CLASSES[chance.integers(36)]
            gap = chance.uniform(0.04, 0.16) * DRAWN
            place = x + right + gap if side > 0 else x + left - gap - font.getbbox(other)[2]
            draw.text((place, y), other, fill=255, font=font)
    # The frame around the character: its corners, moved by some pixels of the result each, in a frame that is turned.
    half = chance.uniform(0.55, 0.75) * max(bottom - top, 0.8 * (right - left)) * np.array([chance.uniform(0.85, 1.2), 1])
    corners = np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) * half
    corners = corners + chance.uniform(-0.14, 0.14, (4, 2)) * half + chance.uniform(-0.12, 0.12, 2) * half
    angle = np.deg2rad(chance.normal(0, 7))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    quad = (corners @ turn.T + 1.5 * DRAWN).ravel()
    # Twice as large and then halved, for smooth edges.
    seen = drawn.transform((2 * SIDE, 2 * SIDE), Image.QUAD, tuple(quad), Image.BILINEAR)
    return seen.resize((SIDE, SIDE), Image.BOX)


def picture(chance, font, character, photographs):
    behind = background(chance, photographs)
    # Less of the photograph than of the character, mostly: signs are painted on walls.
    behind = behind.mean() + chance.uniform(0.1, 0.7) * (behind - behind.mean())
    covered = np.asarray(mask(chance, font, character), dtype=np.float32) / 255
    level = behind.mean() + chance.choice([-1, 1]) * chance.uniform(45, 140)
    if not 0 <= level <= 255:
        level = 2 * behind.mean() - level
    mixed = behind + covered * (level - behind)
    blurred = Image.fromarray(mixed.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(chance.uniform(0, 0.9)))
    noisy = np.asarray(blurred, dtype=np.float32) + chance.normal(0, chance.uniform(0, 8), (SIDE, SIDE))
    return (noisy - noisy.mean()) / max(noisy.std(), 1e-3)


def render(part, count, cache, seed):
    """Pictures [count, 1, 24, 24] and the numbers of their classes; each class is there equally often."""
    chance = np.random.default_rng(seed)
    faces = fonts(TRAINED if part == "training" else TESTED)
    photographs = [Image.open(os.path.join(cache, "public", "photos", name + ".png")).convert("L") for name in PHOTOGRAPHS[part]]
    labels = chance.permutation(np.arange(count) % len(CLASSES))
    images = np.empty((count, 1, SIDE, SIDE), dtype=np.float32)
    for place, label in enumerate(labels):
        character = CLASSES[label]
        if chance.random() < 0.5:
            character = character.lower()
        images[place, 0] = picture(chance, faces[chance.integers(len(faces))], character, photographs)
    return images, labels.astype(np.int64)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache")
    parser.add_argument("out")
    parser.add_argument("--training", type=int, default=8000)
    parser.add_argument("--test", type=int, default=2000)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    for seed, part in ((1, "training"), (2, "test")):
        images, labels = render(part, getattr(options, part), options.cache, seed)
        np.save(os.path.join(options.out, f"{part}_images.npy"), images)
        np.save(os.path.join(options.out, f"{part}_labels.npy"), labels)


if __name__ == "__main__":
    main()
