#!/usr/bin/env python3
"""Trains the demo Swin Transformer on the pictures of ../demo/draw_signs.py and writes model.safetensors.

    python3 train.py            renders (cached in --cache), trains, evaluates, writes
    python3 train.py --check    reads model.safetensors back, evaluates ../demo/test.txt from
                                the files on disk, writes reference_logits_test.npy

Needs torch, numpy and Pillow. The same maths as timm's SwinTransformer (Liu et al. 2021) and
the same tensor names. What differs is the order in which tokens are kept: that of the windows of
the block they are in, so that one gather between two blocks is all that windows and mergings cost.
"""
import os
import sys

import numpy as np
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = os.path.join(HERE, "..", "demo")
sys.path.insert(0, PICTURES)
from draw_signs import LABELS  # noqa: E402
from training import SIZE, Mlp, main  # noqa: E402

PATCH, DIM, DEPTHS, HEADS, WINDOW = 4, 48, (2, 2, 2), (3, 6, 12), 4


def window_order(grid, shift):
    """The tokens of a grid x grid map, window by window: [grid^2] indices into the map's rows."""
    tokens = np.roll(np.arange(grid * grid).reshape(grid, grid), (-shift, -shift), (0, 1))
    n = grid // WINDOW
    return tokens.reshape(n, WINDOW, n, WINDOW).transpose(0, 2, 1, 3).ravel()


def merged_order(grid):
    """For each token of the merged map, in the order of its windows, the four tokens it is made of:
    [grid^2] indices. timm's order of the four: down before right."""
    tokens = np.arange(grid * grid).reshape(grid // 2, 2, grid // 2, 2).transpose(0, 2, 3, 1)
    return tokens.reshape(-1, 4)[window_order(grid // 2, 0)].ravel()


def window_regions(grid, shift):
    """[windows][WINDOW^2]: tokens attend to each other if they are neighbours in the picture, too,
    and not only after the shift, which is cyclic. Such tokens have the same number."""
    part = np.zeros(grid, int)
    if shift:
        part[-WINDOW:-shift], part[-shift:] = 1, 2
    # The parts are counted on the shifted map.
    regions = np.roll(part[:, None] * 3 + part, (shift, shift), (0, 1))
    return regions.ravel()[window_order(grid, shift)].reshape(-1, WINDOW ** 2)


class Reordered(torch.autograd.Function):
    """x[:, order], whose gradient is another gather instead of a slow scattered sum."""

    @staticmethod
    def forward(ctx, x, order, inverse):
        ctx.save_for_backward(inverse)
        return x.index_select(1, order)

    @staticmethod
    def backward(ctx, grad):
        return grad.index_select(1, ctx.saved_tensors[0]), None, None


class Reorder(nn.Module):
    """From one order of the tokens to another."""

    def __init__(self, old, new):
        super().__init__()
        order = np.argsort(old)[new]
        self.same = np.array_equal(old, new)
        self.register_buffer("order", torch.from_numpy(order), persistent=False)
        self.register_buffer("inverse", torch.from_numpy(np.argsort(order)), persistent=False)

    def forward(self, x):
        return x if self.same else Reordered.apply(x, self.order, self.inverse)


class PatchEmbed(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(3, DIM, PATCH, PATCH)
        self.norm = nn.LayerNorm(DIM)

    def forward(self, x):
        return self.norm(self.proj(x).flatten(2).transpose(1, 2).float())


class WindowAttention(nn.Module):
    """On tokens in the order of the windows."""

    def __init__(self, dim, heads, grid, shift):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * WINDOW - 1) ** 2, heads) * .02)
        at = np.stack(np.divmod(np.arange(WINDOW ** 2), WINDOW))
        down, right = at[:, :, None] - at[:, None, :] + WINDOW - 1
        self.register_buffer("offsets", torch.from_numpy(down * (2 * WINDOW - 1) + right), persistent=False)
        regions = torch.from_numpy(window_regions(grid, shift))
        mask = (regions[:, None, :, None] != regions[:, None, None, :]) * -100.
        self.register_buffer("mask", mask if shift else None, persistent=False)

    def forward(self, x):
        b, t, c = x.shape
        n = WINDOW ** 2
        q, k, v = self.qkv(x).reshape(b * t // n, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = q * (c // self.heads) ** -0.5 @ k.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.offsets].permute(2, 0, 1)
        if self.mask is not None:
            bias = (bias + self.mask).repeat(b, 1, 1, 1)
        a = (a + bias).softmax(-1)
        return self.proj((a @ v).transpose(1, 2).reshape(b, t, c))


class Block(nn.Module):
    """`order` is that of the tokens that come in; those that go out are in window_order(grid, shift)."""

    def __init__(self, dim, heads, grid, shift, order):
        super().__init__()
        self.reorder = Reorder(order, window_order(grid, shift))
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, heads, grid, shift)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim)

    def forward(self, x):
        x = self.reorder(x)
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    """`order` is that of the tokens that come in; those that go out are in window_order(grid / 2, 0)."""

    def __init__(self, dim, grid, order):
        super().__init__()
        self.reorder = Reorder(order, merged_order(grid))
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x):
        b, t, c = x.shape
        return self.reduction(self.norm(self.reorder(x).reshape(b, t // 4, 4 * c))).float()


class Stage(nn.Module):
    """`order` is that of the tokens that come in; self.order is that of those that go out."""

    def __init__(self, index, order):
        super().__init__()
        dim, grid = DIM << index, SIZE // PATCH >> index
        self.downsample = nn.Identity()
        if index > 0:
            self.downsample = PatchMerging(dim // 2, 2 * grid, order)
            order = window_order(grid, 0)
        blocks = []
        for i in range(DEPTHS[index]):
            shift = WINDOW // 2 if i % 2 and grid > WINDOW else 0
            blocks.append(Block(dim, HEADS[index], grid, shift, order))
            order = window_order(grid, shift)
        self.blocks, self.order = nn.Sequential(*blocks), order

    def forward(self, x):
        return self.blocks(self.downsample(x))


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(DIM << len(DEPTHS) - 1, len(LABELS))

    def forward(self, x):
        return self.fc(x.mean(1))


class Swin(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch_embed = PatchEmbed()
        stages, order = [], np.arange((SIZE // PATCH) ** 2)
        for index in range(len(DEPTHS)):
            stages.append(Stage(index, order))
            order = stages[-1].order
        self.layers = nn.Sequential(*stages)
        self.norm = nn.LayerNorm(DIM << len(DEPTHS) - 1)
        self.head = Head()
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
        nn.init.zeros_(self.head.fc.weight)

    def forward(self, x):
        return self.head(self.norm(self.layers(self.patch_embed(x))))


if __name__ == "__main__":
    main(Swin, "swin_demo_patch4_window4_64", HERE, test=os.path.join(PICTURES, "test.txt"), batch=32, epochs=5)
