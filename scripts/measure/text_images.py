"""Words in many types over photographs, for networks that find text: what tune_acceptance.py calibrates, tunes and tests on.

The fonts are those of Examples/characters/render.py, which keeps the families of tests out of training.
"""
import os
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from calibration import photograph

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "Examples", "characters"))
import render  # noqa: E402

SIDE = 320


def words():
    """Those of this project's README, without its tables' marks."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        return [word for word in file.read().replace("`", " ").replace("|", " ").split() if len(word) < 14]


def background(chance, photographs):
    """A square of a photograph at some scale."""
    pixels = photographs[chance.integers(len(photographs))]
    scale = max(np.exp(chance.uniform(np.log(0.5), np.log(2.2))), (SIDE + 1) / min(pixels.size))
    pixels = pixels.resize((int(pixels.width * scale), int(pixels.height * scale)), Image.BICUBIC)
    x, y = (int(chance.integers(0, extent - SIDE + 1)) for extent in pixels.size)
    return pixels.crop((x, y, x + SIDE, y + SIDE))


def write(chance, picture, fonts, vocabulary):
    """A line of one to four words, aslant, in some colour and place; a part of it may lie outside."""
    font = ImageFont.truetype(fonts[chance.integers(len(fonts))].path, int(np.exp(chance.uniform(np.log(10), np.log(70)))))
    text = " ".join(vocabulary[chance.integers(len(vocabulary))] for _ in range(chance.integers(1, 5)))
    left, top, right, bottom = font.getbbox(text)
    mask = Image.new("L", (right - left + 6, bottom - top + 6))
    ImageDraw.Draw(mask).text((3 - left, 3 - top), text, fill=int(chance.integers(120, 256)), font=font)
    mask = mask.rotate(float(chance.normal(0, 8)), expand=True, resample=Image.BICUBIC)
    colour = tuple(int(byte) for byte in chance.integers(0, 256, 3))
    picture.paste(colour, (int(chance.integers(-mask.width // 3, SIDE)), int(chance.integers(0, SIDE))), mask)


def images(cache, names, families, count, seed):
    """Bytes of `count` pictures [N, 320, 320, 3] as Float; three in ten have no words."""
    chance = np.random.default_rng(seed)
    photographs = [photograph(os.path.join(cache, "public", name)) for name in names]
    fonts, vocabulary = render.fonts(families), words()
    made = np.empty((count, SIDE, SIDE, 3), np.float32)
    for place in range(count):
        picture = background(chance, photographs)
        for _ in range(chance.integers(1, 9) if chance.random() < 0.7 else 0):
            write(chance, picture, fonts, vocabulary)
        made[place] = np.asarray(picture)
    return made
