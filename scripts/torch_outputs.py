#!/usr/bin/env python3
"""What networks with transformers' and timm's tensor names compute, for tests/converter/torch_outputs_test.cc.

  /usr/bin/python3 scripts/torch_outputs.py >tests/converter/torch_outputs.inc

Written from the architectures' descriptions, with PyTorch (python3-torch) and without the library itself. Weights and
pictures come from integers, so that the test makes the same ones and only outputs are stored. For maintainers: nothing
else of intvit needs PyTorch.
"""
import math
import sys

import torch
import torch.nn.functional as F

torch.set_grad_enabled(False)
MASK = 0xFFFFFFFF


def mixed(i, seed):
    """32 bits of the i-th value of a tensor or picture."""
    x = (i * 2654435761 + seed * 40503 + 12345) & MASK
    x ^= x >> 15
    x = x * 0x2C1B3C6D & MASK
    return x ^ x >> 12


def value(name, shape, v):
    """v in [-0.5, 0.5) as large as tensors of this kind are."""
    if name.endswith("logit_scale"):
        return 2 + v
    if name.endswith("lambda1"):
        return 1 + v
    if name.endswith("bias"):
        return 0.5 * v
    if name.endswith("weight"):
        return 1 + 0.5 * v if len(shape) == 1 else 4 * v / math.sqrt(math.prod(shape[1:]))
    return 4 * v


def make(shapes):
    weights = {}
    for seed, name in enumerate(sorted(shapes), 1):
        shape = shapes[name]
        numbers = [value(name, shape, mixed(i, seed) / 2**32 - 0.5) for i in range(math.prod(shape))]
        weights[name] = torch.tensor(numbers, dtype=torch.float32).to(torch.float64).reshape(shape)
    return weights


def picture(edge, mean, std):
    pixels = torch.tensor([mixed(i, 0) >> 24 for i in range(edge * edge * 3)], dtype=torch.float64) / 255
    pixels = (pixels.reshape(edge, edge, 3) - torch.tensor(mean)) / torch.tensor(std)
    return pixels.permute(2, 0, 1)[None]


def layer(w, name, x):
    return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))


def norm(w, name, x, eps=1e-5):
    return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)


def split_heads(x, heads):
    return x.reshape(*x.shape[:-1], heads, -1).transpose(-2, -3)


def add_layer(shapes, name, out, into, bias=True):
    shapes[name + ".weight"] = (out, into)
    if bias:
        shapes[name + ".bias"] = (out,)


def add_norm(shapes, name, channels):
    shapes[name + ".weight"] = shapes[name + ".bias"] = (channels,)


def dinov3(gated):
    c, heads, depth, hidden, patch, edge, registers = 16, 2, 2, 24, 4, 12, 2
    shapes = {"embeddings.cls_token": (1, 1, c), "embeddings.register_tokens": (1, registers, c),
              "embeddings.patch_embeddings.weight": (c, 3, patch, patch), "embeddings.patch_embeddings.bias": (c,)}
    for b in range(depth):
        p = f"layer.{b}."
        add_norm(shapes, p + "norm1", c)
        for part in "qkvo":
            add_layer(shapes, p + f"attention.{part}_proj", c, c, part != "k")
        shapes[p + "layer_scale1.lambda1"] = shapes[p + "layer_scale2.lambda1"] = (c,)
        add_norm(shapes, p + "norm2", c)
        add_layer(shapes, p + "mlp.up_proj", hidden, c)
        if gated:
            add_layer(shapes, p + "mlp.gate_proj", hidden, c)
        add_layer(shapes, p + "mlp.down_proj", c, hidden)
    add_norm(shapes, "norm", c)
    w = make(shapes)
    x = F.conv2d(picture(edge, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), w["embeddings.patch_embeddings.weight"],
                 w["embeddings.patch_embeddings.bias"], stride=patch).flatten(2).transpose(1, 2)
    x = torch.cat((w["embeddings.cls_token"], w["embeddings.register_tokens"], x), 1)
    grid = edge // patch
    centres = 2 * (torch.arange(grid, dtype=torch.float64) + 0.5) / grid - 1
    places = torch.stack(torch.meshgrid(centres, centres, indexing="ij"), -1).reshape(-1, 2)
    frequencies = 100 ** -(4 * torch.arange(c // heads // 4, dtype=torch.float64) / (c // heads))
    angles = (2 * math.pi * places[:, :, None] * frequencies).flatten(1).repeat(1, 2)

    def turn(t):
        prefix, t = t[:, :, :1 + registers], t[:, :, 1 + registers:]
        first, second = t.chunk(2, -1)
        return torch.cat((prefix, t * angles.cos() + torch.cat((-second, first), -1) * angles.sin()), 2)

    for b in range(depth):
        p = f"layer.{b}."
        y = norm(w, p + "norm1", x)
        q, k, v = (split_heads(layer(w, p + f"attention.{part}_proj", y), heads) for part in "qkv")
        scores = turn(q) @ turn(k).transpose(-1, -2) / math.sqrt(c // heads)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)
        x = x + layer(w, p + "attention.o_proj", y) * w[p + "layer_scale1.lambda1"]
        y = norm(w, p + "norm2", x)
        up = layer(w, p + "mlp.up_proj", y)
        y = F.silu(layer(w, p + "mlp.gate_proj", y)) * up if gated else F.gelu(up)
        x = x + layer(w, p + "mlp.down_proj", y) * w[p + "layer_scale2.lambda1"]
    return norm(w, "norm", x)


def eva():
    """EVA-02 as timm has the larger sizes: neighbours turn, and the products in the MLP are normed."""
    c, heads, depth, hidden, patch, edge, classes, eps = 16, 2, 2, 24, 4, 12, 5, 1e-6
    grid = edge // patch
    shapes = {"cls_token": (1, 1, c), "pos_embed": (1, 1 + grid * grid, c),
              "patch_embed.proj.weight": (c, 3, patch, patch), "patch_embed.proj.bias": (c,)}
    for b in range(depth):
        p = f"blocks.{b}."
        add_norm(shapes, p + "norm1", c)
        for part in "qkv":
            add_layer(shapes, p + f"attn.{part}_proj", c, c, part != "k")
        add_layer(shapes, p + "attn.proj", c, c)
        add_norm(shapes, p + "norm2", c)
        add_layer(shapes, p + "mlp.fc1_g", hidden, c)
        add_layer(shapes, p + "mlp.fc1_x", hidden, c)
        add_norm(shapes, p + "mlp.norm", hidden)
        add_layer(shapes, p + "mlp.fc2", c, hidden)
    add_norm(shapes, "fc_norm", c)
    add_layer(shapes, "head", classes, c)
    w = make(shapes)
    x = F.conv2d(picture(edge, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), w["patch_embed.proj.weight"],
                 w["patch_embed.proj.bias"], stride=patch).flatten(2).transpose(1, 2)
    x = torch.cat((w["cls_token"], x), 1) + w["pos_embed"]
    places = torch.arange(grid, dtype=torch.float64) * 16 / grid
    places = torch.stack(torch.meshgrid(places, places, indexing="ij"), -1).reshape(-1, 2)
    bands = c // heads // 4
    angles = (places[:, :, None] * 10000 ** -(torch.arange(bands, dtype=torch.float64) / bands)).flatten(1)

    def turn(t):
        pairs = torch.view_as_complex(t[:, :, 1:].reshape(*t[:, :, 1:].shape[:-1], -1, 2).contiguous())
        pairs = pairs * torch.polar(torch.ones_like(angles), angles)
        return torch.cat((t[:, :, :1], torch.view_as_real(pairs).flatten(-2)), 2)

    for b in range(depth):
        p = f"blocks.{b}."
        y = norm(w, p + "norm1", x, eps)
        q, k, v = (split_heads(layer(w, p + f"attn.{part}_proj", y), heads) for part in "qkv")
        scores = turn(q) @ turn(k).transpose(-1, -2) / math.sqrt(c // heads)
        x = x + layer(w, p + "attn.proj", (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape))
        y = norm(w, p + "norm2", x, eps)
        y = F.silu(layer(w, p + "mlp.fc1_g", y)) * layer(w, p + "mlp.fc1_x", y)
        x = x + layer(w, p + "mlp.fc2", norm(w, p + "mlp.norm", y, eps))
    return layer(w, "head", norm(w, "fc_norm", x[:, 1:].mean(1), eps))


def swin_shapes(version, c, depths, heads, window, classes):
    shapes = {"swin.embeddings.patch_embeddings.projection.weight": (c, 3, 4, 4),
              "swin.embeddings.patch_embeddings.projection.bias": (c,)}
    add_norm(shapes, "swin.embeddings.norm", c)
    for s, depth in enumerate(depths):
        d = c << s
        for b in range(depth):
            p = f"swin.encoder.layers.{s}.blocks.{b}."
            add_norm(shapes, p + "layernorm_before", d)
            add_norm(shapes, p + "layernorm_after", d)
            for part in ("query", "key", "value"):
                add_layer(shapes, p + "attention.self." + part, d, d, part != "key" or version == 1)
            if version == 1:
                shapes[p + "attention.self.relative_position_bias_table"] = ((2 * window - 1)**2, heads[s])
            else:
                shapes[p + "attention.self.logit_scale"] = (heads[s], 1, 1)
                add_layer(shapes, p + "attention.self.continuous_position_bias_mlp.0", 512, 2)
                add_layer(shapes, p + "attention.self.continuous_position_bias_mlp.2", heads[s], 512, False)
            add_layer(shapes, p + "attention.output.dense", d, d)
            add_layer(shapes, p + "intermediate.dense", 2 * d, d)
            add_layer(shapes, p + "output.dense", d, 2 * d)
        if s + 1 < len(depths):
            add_norm(shapes, f"swin.encoder.layers.{s}.downsample.norm", 4 * d if version == 1 else 2 * d)
            add_layer(shapes, f"swin.encoder.layers.{s}.downsample.reduction", 2 * d, 4 * d, False)
    add_norm(shapes, "swin.layernorm", c << len(depths) - 1)
    add_layer(shapes, "classifier", classes, c << len(depths) - 1)
    return shapes


def position_bias(w, p, version, heads, window):
    offsets = torch.arange(1 - window, window, dtype=torch.float64)
    if version == 1:
        table = w[p + "relative_position_bias_table"]
    else:
        places = torch.stack(torch.meshgrid(offsets, offsets, indexing="ij"), -1) / (window - 1) * 8
        places = places.sign() * (places.abs() + 1).log2() / math.log2(8)
        hidden = layer(w, p + "continuous_position_bias_mlp.0", places).relu()
        table = layer(w, p + "continuous_position_bias_mlp.2", hidden).reshape(-1, heads).sigmoid() * 16
    y, x = (t.flatten() for t in torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij"))
    down, across = y[:, None] - y + window - 1, x[:, None] - x + window - 1
    return table[down * (2 * window - 1) + across].permute(2, 0, 1)


def windows(x, window):
    h, v, c = x.shape
    return x.reshape(h // window, window, v // window, window, c).transpose(1, 2).reshape(-1, window * window, c)


def swin_attention(w, p, x, version, heads, window, shift):
    h, v, c = x.shape
    x = F.pad(x, (0, 0, 0, -v % window, 0, -h % window))
    ph, pv, _ = x.shape
    if shift:
        x = x.roll((-shift, -shift), (0, 1))
    x = windows(x, window)
    q, k, values = (split_heads(layer(w, p + "self." + part, x), heads) for part in ("query", "key", "value"))
    if version == 1:
        scores = q @ k.transpose(-1, -2) / math.sqrt(c // heads)
    else:
        scale = w[p + "self.logit_scale"].clamp(max=math.log(100)).exp()
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-1, -2) * scale
    scores = scores + position_bias(w, p + "self.", version, heads, window)
    if shift:
        band = lambda n: torch.tensor([0] * (n - window) + [1] * (window - shift) + [2] * shift)
        regions = windows((3 * band(ph)[:, None] + band(pv))[:, :, None], window)[:, :, 0]
        scores = scores + (regions[:, None, :, None] != regions[:, None, None, :]) * -100.0
    x = (scores.softmax(-1) @ values).transpose(1, 2).reshape(-1, window * window, c)
    x = layer(w, p + "output.dense", x)
    x = x.reshape(ph // window, pv // window, window, window, c).transpose(1, 2).reshape(ph, pv, c)
    if shift:
        x = x.roll((shift, shift), (0, 1))
    return x[:h, :v]


def swin(version):
    c, depths, heads, window, classes, edge = 8, (2, 2), (2, 4), 4, 5, 40
    w = make(swin_shapes(version, c, depths, heads, window, classes))
    x = F.conv2d(picture(edge, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), w["swin.embeddings.patch_embeddings.projection.weight"],
                 w["swin.embeddings.patch_embeddings.projection.bias"], stride=4)[0].permute(1, 2, 0)
    x = norm(w, "swin.embeddings.norm", x)
    for s, depth in enumerate(depths):
        for b in range(depth):
            p = f"swin.encoder.layers.{s}.blocks.{b}."
            mix = lambda t: swin_attention(w, p + "attention.", t, version, heads[s], window, b % 2 * window // 2)
            mlp = lambda t: layer(w, p + "output.dense", F.gelu(layer(w, p + "intermediate.dense", t)))
            if version == 1:
                x = x + mix(norm(w, p + "layernorm_before", x))
                x = x + mlp(norm(w, p + "layernorm_after", x))
            else:
                x = x + norm(w, p + "layernorm_before", mix(x))
                x = x + norm(w, p + "layernorm_after", mlp(x))
        if s + 1 < len(depths):
            p = f"swin.encoder.layers.{s}.downsample."
            x = F.pad(x, (0, 0, 0, x.shape[1] % 2, 0, x.shape[0] % 2))
            x = torch.cat((x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]), -1)
            x = layer(w, p + "reduction", norm(w, p + "norm", x)) if version == 1 else norm(
                w, p + "norm", layer(w, p + "reduction", x))
    x = norm(w, "swin.layernorm", x)
    return layer(w, "classifier", x.mean((0, 1)))


def write(name, tensor):
    print(f"constexpr double {name}[] = {{")
    numbers = [f"{v:.9g}" for v in tensor.flatten().tolist()]
    for i in range(0, len(numbers), 8):
        print("    " + ", ".join(numbers[i:i + 8]) + ",")
    print("};")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    print("// Made by scripts/torch_outputs.py.")
    write("kDinov3Tokens", dinov3(False)[0, ::3])
    write("kGatedDinov3Tokens", dinov3(True)[0, ::3])
    write("kEvaLogits", eva())
    write("kSwinLogits", swin(1))
    write("kSwinV2Logits", swin(2))
