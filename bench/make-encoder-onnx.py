"""Writes the encoder of a checkpoint of transformers as an ONNX file of the same float32 weights, for `compare-onnxruntime.mjs`.

    python make-encoder-onnx.py FOLDER OUT.onnx        (onnx 1.17 or newer, numpy, safetensors; opset 20)

DINOv2: input `pixel_values` [1, 3, 224, 224], output `features` [1, 257, width]. The graph is written by hand, node by node, with the
fused operators that ONNX has (LayerNormalization, Gelu), so that no exporter decides how good it is; onnxruntime optimises it when
it is loaded. Positions are interpolated here, once.
"""
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file


class Graph:
    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind, inputs, **attributes):
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def reshape(self, x, shape):
        return self.node("Reshape", [x, self.weight(f"shape_{len(self.nodes)}", np.array(shape, np.int64))])


def cubic_weights(side, count):
    """Rows of the bicubic interpolation of PyTorch, from `side` places to `count`."""
    matrix = np.zeros((count, side))
    for place in range(count):
        center = (place + 0.5) * side / count - 0.5
        first = int(np.floor(center)) - 1
        for tap in range(first, first + 4):
            x = abs(center - tap)
            value = (1.25 * x - 2.25) * x * x + 1 if x <= 1 else ((-0.75 * x + 3.75) * x - 6) * x + 3
            matrix[place, min(max(tap, 0), side - 1)] += value
    return matrix


def dinov2(config, tensors, size=224):
    width, heads, patch = config["hidden_size"], config["num_attention_heads"], config["patch_size"]
    side, count = size // patch, int((tensors["embeddings.position_embeddings"].shape[1] - 1) ** 0.5)
    epsilon, graph = config.get("layer_norm_eps", 1e-6), Graph()
    linear = lambda x, name: graph.node("Add", [graph.node("MatMul", [x, graph.weight(f"{name}.weight", tensors[f"{name}.weight"].T)]), graph.weight(f"{name}.bias", tensors[f"{name}.bias"])])
    norm = lambda x, name: graph.node("LayerNormalization", [x, graph.weight(f"{name}.weight", tensors[f"{name}.weight"]), graph.weight(f"{name}.bias", tensors[f"{name}.bias"])], axis=-1, epsilon=epsilon)
    projection = "embeddings.patch_embeddings.projection"
    patches = graph.node("Conv", ["pixel_values", graph.weight(f"{projection}.weight", tensors[f"{projection}.weight"]), graph.weight(f"{projection}.bias", tensors[f"{projection}.bias"])], strides=[patch, patch])
    rows = graph.node("Transpose", [graph.reshape(patches, [1, width, side * side])], perm=[0, 2, 1])
    table = tensors["embeddings.position_embeddings"][0].astype(np.float64)
    axis = cubic_weights(count, side)
    grid = np.einsum("ya,xb,abd->yxd", axis, axis, table[1:].reshape(count, count, width)).reshape(-1, width)
    positions = np.concatenate([table[:1], grid])[None].astype(np.float32)
    hidden = graph.node("Add", [graph.node("Concat", [graph.weight("cls", tensors["embeddings.cls_token"]), rows], axis=1), graph.weight("positions", positions)])
    scale = graph.weight("scale", np.array((width / heads) ** -0.5, np.float32))
    for layer in range(config["num_hidden_layers"]):
        prefix = f"encoder.layer.{layer}"
        normed = norm(hidden, f"{prefix}.norm1")
        split = lambda name, perm: graph.node("Transpose", [graph.reshape(linear(normed, f"{prefix}.attention.attention.{name}"), [1, side * side + 1, heads, width // heads])], perm=perm)
        scores = graph.node("Mul", [graph.node("MatMul", [split("query", [0, 2, 1, 3]), split("key", [0, 2, 3, 1])]), scale])
        attended = graph.node("MatMul", [graph.node("Softmax", [scores], axis=-1), split("value", [0, 2, 1, 3])])
        joined = graph.reshape(graph.node("Transpose", [attended], perm=[0, 2, 1, 3]), [1, side * side + 1, width])
        scaled = lambda x, name: graph.node("Mul", [x, graph.weight(f"{prefix}.{name}", tensors[f"{prefix}.{name}.lambda1"])])
        hidden = graph.node("Add", [hidden, scaled(linear(joined, f"{prefix}.attention.output.dense"), "layer_scale1")])
        inner = graph.node("Gelu", [linear(norm(hidden, f"{prefix}.norm2"), f"{prefix}.mlp.fc1")])
        hidden = graph.node("Add", [hidden, scaled(linear(inner, f"{prefix}.mlp.fc2"), "layer_scale2")])
    graph.nodes.append(helper.make_node("Identity", [norm(hidden, "layernorm")], ["features"]))
    inputs = [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, [1, 3, size, size])]
    outputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, [1, side * side + 1, width])]
    return helper.make_graph(graph.nodes, "dinov2", inputs, outputs, graph.weights)


def main(folder, out):
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    tensors = {name: value.astype(np.float32) for name, value in load_file(pathlib.Path(folder) / "model.safetensors").items()}
    model = helper.make_model({"dinov2": dinov2}[config["model_type"]](config, tensors), opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
