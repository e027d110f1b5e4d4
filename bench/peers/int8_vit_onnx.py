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
import onnx
from onnx import TensorProto, helper, numpy_helper

DEPTH = 12
MICROSOFT = "com.microsoft"


class Graph:
    def __init__(self):
        self.nodes, self.constants = [], []
        self.random = numpy.random.default_rng(1)

    def constant(self, value, dtype):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(numpy.array(value, dtype), name))
        return name

    def add(self, op, inputs, outputs=1, domain="", **attributes):
        names = [f"t{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def floats(self, *shape, deviation=0.02):
        return self.constant(self.random.normal(0, deviation, shape), numpy.float32)

    def codes_of(self, x, scale=0.03, zero=128):
        """x in codes of 8 bits, and their scale and zero point."""
        scale, zero = self.constant(scale, numpy.float32), self.constant(zero, numpy.uint8)
        return self.add("QuantizeLinear", [x, scale, zero]), scale, zero

    def rounded(self, x, scale=0.03, zero=128):
        return self.add("DequantizeLinear", list(self.codes_of(x, scale, zero)))

    def weights(self, rows, columns):
        """[rows][columns] with a scale per column: codes, scales, zero points."""
        codes = self.random.integers(-127, 128, (rows, columns))
        return (self.constant(codes, numpy.int8), self.constant(numpy.full(columns, 3e-4), numpy.float32),
                self.constant(numpy.zeros(columns), numpy.int8))

    def linear(self, x, rows, columns):
        codes, scale, zero = self.codes_of(x)
        weight, weight_scale, weight_zero = self.weights(rows, columns)
        return self.add("MatMulIntegerToFloat",
                        [codes, weight, scale, weight_scale, zero, weight_zero, self.floats(columns)],
                        domain=MICROSOFT)

    def norm(self, x, width):
        return self.add("LayerNormalization", [x, self.constant(numpy.ones(width), numpy.float32), self.floats(width)],
                        axis=-1, epsilon=1e-6)

    def shape(self, *sizes):
        return self.constant(sizes, numpy.int64)


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
    query = graph.add("Mul", [query, graph.constant(size**-0.5, numpy.float32)])
    scores = graph.rounded(graph.add("MatMul", [graph.rounded(query), graph.rounded(key)]), 0.1)
    probabilities = graph.rounded(graph.add("Softmax", [scores], axis=-1), 1 / 255, 0)
    mixed = graph.rounded(graph.add("MatMul", [probabilities, graph.rounded(value)]))
    return graph.add("Reshape", [graph.add("Transpose", [mixed], perm=[0, 2, 1, 3]), graph.shape(1, tokens, width)])


def patch_embedding(graph, width, patch, grid):
    codes = graph.random.integers(-127, 128, (width, 3, patch, patch))
    weight = graph.add("DequantizeLinear", [graph.constant(codes, numpy.int8),
                                            graph.constant(numpy.full(width, 3e-4), numpy.float32),
                                            graph.constant(numpy.zeros(width), numpy.int8)], axis=0)
    x = graph.add("Conv", [graph.rounded("x"), weight], strides=[patch, patch], kernel_shape=[patch, patch])
    x = graph.add("Transpose", [graph.add("Reshape", [x, graph.shape(1, width, grid * grid)])], perm=[0, 2, 1])
    x = graph.add("Concat", [graph.floats(1, 1, width), x], axis=1)
    return graph.add("Add", [x, graph.floats(1, grid * grid + 1, width)])


def network(form, width, heads, patch, edge):
    graph, grid = Graph(), edge // patch
    x = patch_embedding(graph, width, patch, grid)
    for _ in range(DEPTH):
        y = attention(graph, form, graph.norm(x, width), width, heads, grid * grid + 1)
        x = graph.add("Add", [x, graph.linear(y, width, width)])
        y = graph.add("Gelu", [graph.linear(graph.norm(x, width), width, 4 * width)], domain=MICROSOFT)
        x = graph.add("Add", [x, graph.linear(y, 4 * width, width)])
    y = graph.norm(graph.add("Gather", [x, graph.constant(0, numpy.int64)], axis=1), width)
    graph.nodes.append(helper.make_node("Identity", [y], ["y"]))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, edge, edge])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, width])]
    made = helper.make_graph(graph.nodes, "vit", inputs, outputs, graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)])
    model.ir_version = 8
    return model


def main(arguments):
    if len(arguments) != 6 or arguments[0] not in ("qattention", "flash", "qlinear"):
        sys.exit(__doc__)
    width, heads, patch, edge = map(int, arguments[1:5])
    if width % heads != 0 or edge % patch != 0:
        sys.exit("HEADS must divide WIDTH, and PATCH must divide EDGE")
    onnx.save(network(arguments[0], width, heads, patch, edge), arguments[5])


main(sys.argv[1:])
