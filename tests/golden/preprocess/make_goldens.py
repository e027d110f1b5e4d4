#!/usr/bin/env python3
"""Draws small pictures and writes what Pillow makes of them: the goldens of tests/engine/preprocess_test.cc.

Run by hand (it needs Pillow; the build and the tests do not):  python3 make_goldens.py [--check]
--check compares with the files that are there instead of writing.
The pictures are drawn from formulas, ours to give away.

Writes src/*.png, expected/*.png and manifest.txt, one case a line:
    source expected height width resize_height resize_width interpolation crop_mode
The geometry follows torchvision (Resize, CenterCrop) and timm (ResizeKeepRatio for inputs that are not square).
"""

import io
import pathlib
import sys

from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
FILTERS = {"nearest": Image.NEAREST, "bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def noise(seed):
    """Repeatable bytes without a library: a 32-bit linear congruential generator."""
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield state >> 24


def draw(kind, width, height):
    random = noise(width * 1000 + height)
    pixels = bytearray()
    for y in range(height):
        for x in range(width):
            if kind == "gradient":
                pixels += bytes((x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x + y) & 255))
            elif kind == "noise":
                pixels += bytes((next(random), next(random), next(random)))
            elif kind == "edges":  # black and white at full contrast: the overshoot must clamp on both sides
                on = ((x // 5) ^ (y // 7)) & 1
                pixels += bytes((255 * on, 255 * (1 - on), 255 * ((x * 3 + y * 2) // 16 & 1)))
            else:
                raise ValueError(kind)
    return Image.frombytes("RGB", (width, height), bytes(pixels))


SOURCES = {
    "gradient_300x201": ("gradient", 300, 201),
    "noise_37x53": ("noise", 37, 53),
    "edges_96x96": ("edges", 96, 96),
    "edges_64x500": ("edges", 64, 500),
    "noise_5x3": ("noise", 5, 3),
    "noise_1x40": ("noise", 1, 40),
    "noise_40x1": ("noise", 40, 1),
    "gradient_400x300": ("gradient", 400, 300),
    "noise_101x67": ("noise", 101, 67),
}

# source, input (height, width), edges after the resize (height, width), crop mode
CASES = [
    ("gradient_300x201", (64, 64), (71, 71), "center"),   # crop_pct 0.9
    ("gradient_300x201", (48, 64), (48, 64), "squash"),
    ("noise_37x53", (32, 32), (36, 36), "center"),
    ("noise_37x53", (56, 56), (64, 64), "center"),        # up
    ("noise_37x53", (37, 37), (37, 37), "center"),        # no resize at all
    ("noise_37x53", (40, 28), (44, 31), "center"),        # not square
    ("noise_37x53", (28, 40), (31, 44), "center"),
    ("edges_96x96", (48, 48), (55, 55), "center"),        # odd difference: the offset rounds half to even
    ("edges_96x96", (49, 49), (56, 56), "center"),
    ("edges_96x96", (32, 32), (32, 32), "squash"),        # a whole factor
    ("edges_96x96", (64, 40), (60, 44), "squash"),        # smaller than the crop in one direction: padding
    ("edges_96x96", (45, 45), (42, 42), "center"),        # crop_pct > 1: padding, odd
    ("edges_64x500", (32, 32), (36, 36), "center"),
    ("edges_64x500", (32, 64), (32, 64), "center"),       # only rows change
    ("noise_5x3", (24, 24), (27, 27), "center"),
    ("noise_1x40", (16, 16), (18, 18), "center"),         # 18 x 720
    ("noise_40x1", (16, 16), (18, 18), "center"),
    ("noise_40x1", (8, 8), (8, 8), "squash"),
    ("gradient_400x300", (30, 40), (30, 40), "squash"),
    ("gradient_400x300", (40, 30), (40, 300), "squash"),  # 400 -> 300: nearest's positions are thirds
    ("noise_101x67", (33, 33), (38, 38), "center"),
    ("noise_101x67", (33, 33), (67, 67), "center"),       # crop only
    ("noise_101x67", (50, 31), (50, 101), "squash"),      # only columns stay
]


def resized_size(width, height, to_height, to_width, mode):
    if mode == "squash":
        return to_width, to_height
    if to_width == to_height:
        if width <= height:
            return to_width, int(to_width * height / width)
        return int(to_height * width / height), to_height
    ratio = min(height / to_height, width / to_width)
    return round(width / ratio), round(height / ratio)


def center_crop(image, height, width):
    left_pad = (width - image.width) // 2 if width > image.width else 0
    top_pad = (height - image.height) // 2 if height > image.height else 0
    padded = Image.new("RGB", (max(width, image.width), max(height, image.height)))
    padded.paste(image, (left_pad, top_pad))
    top = int(round((padded.height - height) / 2.0))
    left = int(round((padded.width - width) / 2.0))
    return padded.crop((left, top, left + width, top + height))


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main():
    check = "--check" in sys.argv[1:]
    lines = ["# Written by make_goldens.py:", "# source expected height width resize_height resize_width interpolation crop_mode"]
    images = {}
    for name, spec in SOURCES.items():
        images[f"src/{name}.png"] = draw(*spec)
    for name, (height, width), (to_height, to_width), mode in CASES:
        source = images[f"src/{name}.png"]
        for interpolation, pil_filter in FILTERS.items():
            size = resized_size(source.width, source.height, to_height, to_width, mode)
            image = center_crop(source.resize(size, pil_filter), height, width)
            expected = f"expected/{name}_{height}x{width}_{to_height}x{to_width}_{mode}_{interpolation}.png"
            images[expected] = image
            lines.append(f"src/{name}.png {expected} {height} {width} {to_height} {to_width} {interpolation} {mode}")
    manifest = "\n".join(lines) + "\n"
    if check:
        wrong = [n for n, i in images.items() if Image.open(HERE / n).tobytes() != i.tobytes()]
        if (HERE / "manifest.txt").read_text() != manifest:
            wrong.append("manifest.txt")
        print("differs: " + " ".join(wrong) if wrong else f"all {len(images)} pictures are as Pillow makes them")
        return 1 if wrong else 0
    for name, image in images.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_bytes(png(image))
    (HERE / "manifest.txt").write_text(manifest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
