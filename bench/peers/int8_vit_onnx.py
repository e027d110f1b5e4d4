"""A Vision Transformer in int8 for ONNX Runtime, with random weights, to be timed beside intvit.

    python3 bench/peers/int8_vit_onnx.py FORM WIDTH HEADS PATCH EDGE OUT.onnx      (Debian: python3-onnx)

FORM is how attention is written; everything else is the same: linear layers as QuantizeLinear and MatMulIntegerToFloat
(bias included), the patch embedding as a quantized convolution, LayerNorm, GELU and residual additions in float.

    qattention   QAttention: the projection of query, key and value in int8, the products and softmax in float
    flash        MultiHeadAttention, float, which ONNX Runtime computes block by block
    qlinear      both products as QLinearMatMul, softmax in float

Which one is the fastest depends on the number of tokens. 12 blocks and the final norm of the class token, as DINOv2's
encoders have them; LayerScale is folded. EDGE is that of the square picture, which PATCH must divide.
"""
import sys

import numpy

from int8_graph import MICROSOFT, Graph

DEPTH = 12


def attention(graph, form, x, width, heads, tokens):
    if form == "qattention":
        codes, scale, zero = graph.codes_of(x)
        weight, weight_scale, weight_zero = graph.weights(width, 3 * width)
        return graph.add("QAttention", [codes, weight, graph.floats(3 * width), scale, weight_scale, "", zero,
                                        weight_zero], domain=MICROSOFT, num_heads=heads)
    parts = graph.add("Split", [graph.linear(x, width, 3 * width), graph.shape(width, width, width)], 3, axis=2)
    if form == "flash":
        return graph.add("MultiHeadAttention", parts, domain=MICROSOFT, num_heads=heads)
    size = width // heads
    split = [graph.add("Reshape", [part, graph.shape(1, tokens, heads, size)]) for part in parts]
    query, value = (graph.add("Transpose", [split[i]], perm=[0, 2, 1, 3]) for i in (0, 2))
    key = graph.add("Transpose", [split[1]], perm=[0, 2, 3, 1])
    mixed = graph.rounded(graph.attended(query, key, value, size))
    return graph.add("Reshape", [graph.add("Transpose", [mixed], perm=[0, 2, 1, 3]), graph.shape(1, tokens, width)])


def patch_embedding(graph, width, patch, grid):
    x = graph.convolution("x", width, patch)
    x = graph.add("Transpose", [graph.add("Reshape", [x, graph.shape(1, width, grid * grid)])], perm=[0, 2, 1])
    x = graph.add("Concat", [graph.floats(1, 1, width), x], axis=1)
    return graph.add("Add", [x, graph.floats(1, grid * grid + 1, width)])


def write_network(form, width, heads, patch, edge, path):
    graph, grid = Graph(), edge // patch
    x = patch_embedding(graph, width, patch, grid)
    for _ in range(DEPTH):
        y = attention(graph, form, graph.norm(x, width), width, heads, grid * grid + 1)
        x = graph.mlp(graph.add("Add", [x, graph.linear(y, width, width)]), width)
    y = graph.norm(graph.add("Gather", [x, graph.constant(0, numpy.int64)], axis=1), width)
    graph.save("vit", edge, y, width, path)


def main(arguments):
    if len(arguments) != 6 or arguments[0] not in ("qattention", "flash", "qlinear"):
        sys.exit(__doc__)
    width, heads, patch, edge = map(int, arguments[1:5])
    if width % heads != 0 or edge % patch != 0:
        sys.exit("HEADS must divide WIDTH, and PATCH must divide EDGE")
    write_network(arguments[0], width, heads, patch, edge, arguments[5])


main(sys.argv[1:])
