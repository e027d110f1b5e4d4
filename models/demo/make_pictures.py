#!/usr/bin/env python3
"""Writes test/, test_more/, calib/, examples/, their lists, labels.txt and config.json.

The test and calibration pictures are the generator's own, in order, none picked
or left out; only the six examples were chosen, to look good.
"""
import json
import os

from draw_signs import LABELS, draw_sign

HERE = os.path.dirname(os.path.abspath(__file__))

CONFIG = {
    "architecture": "vit_demo_patch8_64", "num_classes": 16, "num_features": 96,
    "embed_dim": 96, "depth": 6, "num_heads": 3, "global_pool": "token",
    "pretrained_cfg": {
        "tag": "signs", "input_size": [3, 64, 64], "interpolation": "bicubic",
        "crop_pct": 0.9, "crop_mode": "center", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
        "num_classes": 16, "first_conv": "patch_embed.proj", "classifier": "head"},
    "label_names": LABELS,
}

# (name, file ending, number of the drawing, sign, grey)
EXAMPLES = [("stop", "jpg", 2, "stop", False),
            ("roundabout", "png", 15, "roundabout", False),
            ("bicycle", "jpg", 0, "bicycle", False),
            ("pedestrian", "jpg", 12, "pedestrian", False),
            ("turn_left", "jpg", 1, "turn_left", False),
            ("limit_30_grey", "jpg", 4, "limit_30", True)]


def save(image, path):
    if path.endswith(".png"):
        image.save(os.path.join(HERE, path), optimize=True)
    else:
        image.save(os.path.join(HERE, path), quality=85 + len(path) % 6)


def split(name, count):
    """The first pictures of a split, and their list. Returns the list's lines."""
    os.makedirs(os.path.join(HERE, name), exist_ok=True)
    lines = []
    for i in range(count):
        image, label = draw_sign(name, i)
        # Every ninth picture is a PNG; 9 and 16 share no factor, so all kinds get some.
        path = f"{name}/{i:03d}_{LABELS[label]}.{'jpg' if i % 9 else 'png'}"
        save(image, path)
        lines.append(f"{path} {label}\n")
    write_list(name, lines)
    return lines


def more_test_pictures(lines, first, end):
    """Those of the test split that follow, as small JPEGs, and the list of all."""
    os.makedirs(os.path.join(HERE, "test_more"), exist_ok=True)
    lines = list(lines)
    for i in range(first, end):
        image, label = draw_sign("test", i)
        path = f"test_more/{i:04d}_{LABELS[label]}.jpg"
        image.save(os.path.join(HERE, path), quality=40 + i % 16, optimize=True)
        lines.append(f"{path} {label}\n")
    write_list(f"test_{end}", lines)


def write_list(name, lines):
    with open(os.path.join(HERE, name + ".txt"), "w") as f:
        f.writelines(lines)


def examples():
    os.makedirs(os.path.join(HERE, "examples"), exist_ok=True)
    for name, ending, index, sign, grey in EXAMPLES:
        image, _ = draw_sign("examples", index, LABELS.index(sign))
        save(image.convert("L") if grey else image, f"examples/{name}.{ending}")


if __name__ == "__main__":
    more_test_pictures(split("test", 256), 256, 1024)
    split("calib", 64)
    examples()
    with open(os.path.join(HERE, "labels.txt"), "w") as f:
        f.write("\n".join(LABELS) + "\n")
    with open(os.path.join(HERE, "config.json"), "w") as f:
        json.dump(CONFIG, f, indent=2)
        f.write("\n")
