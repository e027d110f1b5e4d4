"""What int8_vit_onnx.py and int8_swin_onnx.py make networks of: nodes of an ONNX graph with random weights, in int8 forms
that ONNX Runtime has kernels for."""
import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

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

    def convolution(self, x, width, patch):
        """[1][3][edge][edge] in patches that do not overlap: [1][width][edge / patch][edge / patch]."""
        codes = self.random.integers(-127, 128, (width, 3, patch, patch))
        weight = self.add("DequantizeLinear", [self.constant(codes, numpy.int8),
                                               self.constant(numpy.full(width, 3e-4), numpy.float32),
                                               self.constant(numpy.zeros(width), numpy.int8)], axis=0)
        return self.add("Conv", [self.rounded(x), weight], strides=[patch, patch], kernel_shape=[patch, patch])

    def attended(self, query, key, value, size, bias=None):
        """Both products in int8 and softmax in float, of [..][heads][rows][size]; key transposed, bias added to scores."""
        query = self.add("Mul", [query, self.constant(size**-0.5, numpy.float32)])
        scores = self.add("MatMul", [self.rounded(query), self.rounded(key)])
        scores = self.rounded(scores, 0.1) if bias is None else self.add("Add", [scores, bias])
        probabilities = self.rounded(self.add("Softmax", [scores], axis=-1), 1 / 255, 0)
        return self.add("MatMul", [probabilities, self.rounded(value)])

    def mlp(self, x, width):
        y = self.linear(self.norm(x, width), width, 4 * width)
        return self.add("Add", [x, self.linear(self.add("Gelu", [y], domain=MICROSOFT), 4 * width, width)])

    def save(self, name, edge, y, columns, path):
        """Input x, [1][3][edge][edge], output y, [1][columns]; opset 17."""
        self.nodes.append(helper.make_node("Identity", [y], ["y"]))
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, edge, edge])]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, columns])]
        made = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)])
        model.ir_version = 8
        onnx.save(model, path)
