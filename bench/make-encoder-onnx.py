"""Writes the encoder of a checkpoint of transformers as an ONNX file of the same float32 weights, for `compare-onnxruntime.mjs`.

    python make-encoder-onnx.py FOLDER OUT.onnx        (onnx 1.17 or newer, numpy, safetensors; opset 20)

DINOv2: input `pixel_values` [1, 3, 224, 224], output `features` [1, 257, width]. Whisper: input `input_features` [1, bands, frames], output
`features` [1, frames / 2, width]. The graph is written by hand, node by node, with the fused operators that ONNX has (LayerNormalization, Gelu),
so that no exporter decides how good it is; onnxruntime optimises it when it is loaded. Positions of DINOv2 are interpolated here, once.
"""
import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file


class Graph:
    """Nodes and weights in the making. Weights are found under the names of the checkpoint."""

    def __init__(self, tensors, epsilon):
        self.nodes, self.weights, self.tensors, self.epsilon = [], [], tensors, epsilon

    def weight(self, name, value):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind, inputs, **attributes):
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def stored(self, name):
        return self.weight(name, self.tensors[name])

    def reshape(self, x, shape):
        return self.node("Reshape", [x, self.weight(f"shape_{len(self.nodes)}", np.array(shape, np.int64))])

    def linear(self, x, name):
        product = self.node("MatMul", [x, self.weight(f"{name}.weight", self.tensors[f"{name}.weight"].T)])
        return self.node("Add", [product, self.stored(f"{name}.bias")]) if f"{name}.bias" in self.tensors else product

    def norm(self, x, name):
        return self.node("LayerNormalization", [x, self.stored(f"{name}.weight"), self.stored(f"{name}.bias")], axis=-1, epsilon=self.epsilon)

    def attention(self, x, names, out, rows, width, heads):
        split = lambda name, perm: self.node("Transpose", [self.reshape(self.linear(x, name), [1, rows, heads, width // heads])], perm=perm)
        query, key, value = names
        scale = self.weight(f"scale_{len(self.nodes)}", np.array((width / heads) ** -0.5, np.float32))
        scores = self.node("Mul", [self.node("MatMul", [split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1])]), scale])
        attended = self.node("MatMul", [self.node("Softmax", [scores], axis=-1), split(value, [0, 2, 1, 3])])
        return self.linear(self.reshape(self.node("Transpose", [attended], perm=[0, 2, 1, 3]), [1, rows, width]), out)

    def finish(self, x, name, input_name, input_shape, output_shape):
        self.nodes.append(helper.make_node("Identity", [x], ["features"]))
        inputs = [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, input_shape)]
        return helper.make_graph(self.nodes, name, inputs, [helper.make_tensor_value_info("features", TensorProto.FLOAT, output_shape)], self.weights)


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
    graph, projection = Graph(tensors, config.get("layer_norm_eps", 1e-6)), "embeddings.patch_embeddings.projection"
    patches = graph.node("Conv", ["pixel_values", graph.stored(f"{projection}.weight"), graph.stored(f"{projection}.bias")], strides=[patch, patch])
    rows = graph.node("Transpose", [graph.reshape(patches, [1, width, side * side])], perm=[0, 2, 1])
    table, axis = tensors["embeddings.position_embeddings"][0].astype(np.float64), cubic_weights(count, side)
    grid = np.einsum("ya,xb,abd->yxd", axis, axis, table[1:].reshape(count, count, width)).reshape(-1, width)
    positions = np.concatenate([table[:1], grid])[None].astype(np.float32)
    hidden = graph.node("Add", [graph.node("Concat", [graph.stored("embeddings.cls_token"), rows], axis=1), graph.weight("positions", positions)])
    for layer in range(config["num_hidden_layers"]):
        prefix = f"encoder.layer.{layer}"
        scaled = lambda x, name: graph.node("Mul", [x, graph.stored(f"{prefix}.{name}.lambda1")])
        names = [f"{prefix}.attention.attention.{name}" for name in ("query", "key", "value")]
        attended = graph.attention(graph.norm(hidden, f"{prefix}.norm1"), names, f"{prefix}.attention.output.dense", side * side + 1, width, heads)
        hidden = graph.node("Add", [hidden, scaled(attended, "layer_scale1")])
        inner = graph.node("Gelu", [graph.linear(graph.norm(hidden, f"{prefix}.norm2"), f"{prefix}.mlp.fc1")])
        hidden = graph.node("Add", [hidden, scaled(graph.linear(inner, f"{prefix}.mlp.fc2"), "layer_scale2")])
    return graph.finish(graph.norm(hidden, "layernorm"), "dinov2", "pixel_values", [1, 3, size, size], [1, side * side + 1, width])


def whisper(config, tensors):
    tensors = {name.removeprefix("model."): value for name, value in tensors.items()}
    width, heads, rows = config["d_model"], config["encoder_attention_heads"], config["max_source_positions"]
    graph, hidden = Graph(tensors, 1e-5), "input_features"
    for number, stride in ((1, 1), (2, 2)):
        name = f"encoder.conv{number}"
        hidden = graph.node("Gelu", [graph.node("Conv", [hidden, graph.stored(f"{name}.weight"), graph.stored(f"{name}.bias")], strides=[stride], pads=[1, 1])])
    hidden = graph.node("Add", [graph.node("Transpose", [hidden], perm=[0, 2, 1]), graph.stored("encoder.embed_positions.weight")])
    for layer in range(config["encoder_layers"]):
        prefix = f"encoder.layers.{layer}"
        names = [f"{prefix}.self_attn.{name}_proj" for name in "qkv"]
        hidden = graph.node("Add", [hidden, graph.attention(graph.norm(hidden, f"{prefix}.self_attn_layer_norm"), names, f"{prefix}.self_attn.out_proj", rows, width, heads)])
        inner = graph.node("Gelu", [graph.linear(graph.norm(hidden, f"{prefix}.final_layer_norm"), f"{prefix}.fc1")])
        hidden = graph.node("Add", [hidden, graph.linear(inner, f"{prefix}.fc2")])
    return graph.finish(graph.norm(hidden, "encoder.layer_norm"), "whisper", "input_features", [1, config["num_mel_bins"], 2 * rows], [1, rows, width])


def main(folder, out):
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    tensors = {name: value.astype(np.float32) for name, value in load_file(pathlib.Path(folder) / "model.safetensors").items()}
    model = helper.make_model({"dinov2": dinov2, "whisper": whisper}[config["model_type"]](config, tensors), opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
