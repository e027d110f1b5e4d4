"""A Swin Transformer in int8 for ONNX Runtime, with random weights, to be timed beside intvit.

    python3 bench/peers/int8_swin_onnx.py t|s|b OUT.onnx      (Debian: python3-onnx)

224 x 224 pixels, windows of 7 x 7, 1000 classes. Linear layers are QuantizeLinear and MatMulIntegerToFloat, both
products of attention QLinearMatMul, the patch embedding a quantized convolution; LayerNorm, softmax, GELU and additions
are in float. Windows, shifts and mergings are Reshape, Transpose, Slice and Concat, as exports of the libraries have
them.
"""
import sys

import numpy

from int8_graph import Graph

EDGE, PATCH, WINDOW, CLASSES = 224, 4, 7, 1000
SIZES = {"t": (96, 3, (2, 2, 6, 2)), "s": (96, 3, (2, 2, 18, 2)), "b": (128, 4, (2, 2, 18, 2))}


def moved(graph, x, grid, by):
    """[1][grid][grid][width] moved cyclically, up and to the left by `by`, which may be negative."""
    for axis in (1, 2):
        parts = [graph.add("Slice", [x, graph.shape(begin), graph.shape(end), graph.shape(axis)])
                 for begin, end in ((by % grid, grid), (0, by % grid))]
        x = graph.add("Concat", parts, axis=axis)
    return x


def swapped(graph, x, between, final):
    """The second and the third of five axes change places: windows out of a grid, or a grid out of windows."""
    x = graph.add("Transpose", [graph.add("Reshape", [x, graph.shape(*between)])], perm=[0, 2, 1, 3, 4])
    return graph.add("Reshape", [x, graph.shape(*final)])


def mask(grid, shift):
    """[windows][1][49][49]: -100 where tokens were no neighbours before the move."""
    bands = (slice(0, -WINDOW), slice(-WINDOW, -shift), slice(-shift, None))
    regions = numpy.zeros((grid, grid))
    for i, rows in enumerate(bands):
        for j, columns in enumerate(bands):
            regions[rows, columns] = 3 * i + j
    side = grid // WINDOW
    regions = regions.reshape(side, WINDOW, side, WINDOW).transpose(0, 2, 1, 3).reshape(side * side, WINDOW * WINDOW)
    return numpy.where(regions[:, None, :] != regions[:, :, None], -100.0, 0.0)[:, None]


def attention(graph, x, grid, width, heads, shift):
    """x: [windows][49][width]."""
    windows, tokens, size = (grid // WINDOW) ** 2, WINDOW * WINDOW, width // heads
    qkv = graph.add("Reshape", [graph.linear(x, width, 3 * width), graph.shape(windows, tokens, 3, heads, size)])
    parts = graph.add("Split", [graph.add("Transpose", [qkv], perm=[2, 0, 3, 1, 4])], 3, axis=0)
    query, key, value = (graph.add("Squeeze", [part, graph.shape(0)]) for part in parts)
    bias = graph.random.normal(0, 0.5, (1, heads, tokens, tokens))
    bias = graph.constant(bias + mask(grid, shift) if shift else bias, numpy.float32)
    mixed = graph.attended(query, graph.add("Transpose", [key], perm=[0, 1, 3, 2]), value, size, bias)
    mixed = graph.add("Reshape", [graph.add("Transpose", [mixed], perm=[0, 2, 1, 3]),
                                  graph.shape(windows, tokens, width)])
    return graph.linear(mixed, width, width)


def block(graph, x, grid, width, heads, shift):
    """x: [1][grid][grid][width]."""
    side = grid // WINDOW
    windows, map_shape = (side * side, WINDOW * WINDOW, width), (1, grid, grid, width)
    y = graph.norm(x, width)
    if shift:
        y = moved(graph, y, grid, shift)
    y = swapped(graph, y, (side, WINDOW, side, WINDOW, width), windows)
    y = attention(graph, y, grid, width, heads, shift)
    y = swapped(graph, y, (side, side, WINDOW, WINDOW, width), map_shape)
    if shift:
        y = moved(graph, y, grid, -shift)
    return graph.mlp(graph.add("Add", [x, y]), width)


def merged(graph, x, grid, width):
    half = grid // 2
    x = graph.add("Transpose", [graph.add("Reshape", [x, graph.shape(half, 2, half, 2, width)])], perm=[0, 2, 3, 1, 4])
    x = graph.add("Reshape", [x, graph.shape(1, half, half, 4 * width)])
    return graph.linear(graph.norm(x, 4 * width), 4 * width, 2 * width)


def write_network(size, path):
    width, heads, depths = SIZES[size]
    graph, grid = Graph(), EDGE // PATCH
    x = graph.norm(graph.add("Transpose", [graph.convolution("x", width, PATCH)], perm=[0, 2, 3, 1]), width)
    for stage, depth in enumerate(depths):
        if stage > 0:
            x = merged(graph, x, grid, width)
            grid, width, heads = grid // 2, 2 * width, 2 * heads
        for i in range(depth):
            x = block(graph, x, grid, width, heads, WINDOW // 2 if i % 2 and grid > WINDOW else 0)
    x = graph.add("Reshape", [graph.norm(x, width), graph.shape(1, grid * grid, width)])
    logits = graph.linear(graph.add("ReduceMean", [x], axes=[1], keepdims=0), width, CLASSES)
    graph.save("swin", EDGE, logits, CLASSES, path)


if len(sys.argv) != 3 or sys.argv[1] not in SIZES:
    sys.exit(__doc__)
write_network(sys.argv[1], sys.argv[2])
