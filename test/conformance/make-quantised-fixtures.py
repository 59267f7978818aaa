"""Writes tiny random checkpoints quantised as GPTQ, AWQ and FP8 publish them, with what transformers computes for their weights.

    pip install --no-deps auto-gptq==0.7.1 autoawq==0.2.9        (or a folder with their packages in PYTHONPATH)
    python make-quantised-fixtures.py ../fixtures/quantised [NAME…]        (torch 2.13.0, transformers 5.23.0, float32, eager attention)

AutoGPTQ and AutoAWQ pack the integers and unpack them again, torch rounds to 8-bit floats; what they read are the weights that
transformers computes with.
"""
import importlib.util
import json
import pathlib
import runpy
import sys
import types

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GenerationConfig, Qwen2Config, Qwen3Config, Qwen3MoeConfig

VOCABULARY = 263
ROPE = dict(rope_type="default", rope_theta=1e4)
BASE = dict(vocab_size=VOCABULARY, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256,
            rms_norm_eps=1e-5, bos_token_id=None, eos_token_id=None, tie_word_embeddings=False, rope_parameters=ROPE)
QWEN2 = Qwen2Config(**BASE)
TIED = Qwen2Config(**{**BASE, "tie_word_embeddings": True, "intermediate_size": 96})
QWEN3 = Qwen3Config(**BASE, head_dim=16)
SPARSE = Qwen3MoeConfig(**{**BASE, "num_hidden_layers": 1}, head_dim=16, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32, decoder_sparse_step=1, norm_topk_prob=True)

GPTQ = dict(quant_method="gptq", bits=4, group_size=32, sym=True, desc_act=False, checkpoint_format="gptq", damp_percent=0.01, true_sequential=True)
AWQ = dict(quant_method="awq", bits=4, group_size=32, zero_point=True, version="gemm", modules_to_not_convert=None)

FP8 = dict(quant_method="fp8", activation_scheme="dynamic", fmt="e4m3", weight_block_size=[128, 128])

# Name: model, quantization_config. Groups of 64 end within the 160 inputs of down_proj.
MODELS = {
    "gptq": (QWEN2, GPTQ),
    "gptq-asymmetric": (QWEN3, {**GPTQ, "sym": False, "group_size": 64}),
    "gptq-v2-rows": (TIED, {**GPTQ, "sym": False, "group_size": -1, "checkpoint_format": "gptq_v2"}),
    "gptq-8-bits": (TIED, {**GPTQ, "bits": 8}),
    "gptq-reordered": (TIED, {**GPTQ, "sym": False, "desc_act": True}),
    "awq": (QWEN2, AWQ),
    "awq-experts": (SPARSE, {**AWQ, "modules_to_not_convert": ["mlp.gate"]}),
    "fp8": (Qwen3Config(**BASE, head_dim=16), FP8),
    "fp8-rows": (TIED, {**FP8, "weight_block_size": None}),
    "fp8-experts": (SPARSE, {**FP8, "weight_block_size": [32, 48]}),
}


def load_module(package, path, *parents):
    """A module of a package whose other modules need a GPU or older libraries."""
    root = pathlib.Path(importlib.util.find_spec(package).submodule_search_locations[0])
    for name in [package, *parents]:
        stub = types.ModuleType(name)
        stub.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = stub
    spec = importlib.util.spec_from_file_location(f"{package}.{path.replace('/', '.')}", root / f"{path}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def group_parameters(weight, bits, groups, symmetric):
    """Scales (f16) and zero points [out, groups] by the formula of GPTQ; zero points are at least 1, which v1 stores as 0."""
    most = 2**bits - 1
    columns = [weight[:, groups == group] for group in range(int(groups.max()) + 1)]
    low = torch.stack([part.amin(1).clamp(max=0) for part in columns], 1)
    high = torch.stack([part.amax(1).clamp(min=0) for part in columns], 1)
    if symmetric:
        high = torch.maximum(high, -low)
        low = -high
    scale = ((high - low) / most).half().float()
    zero = torch.full_like(scale, (most + 1) // 2) if symmetric else torch.round(-low / scale).clamp(1, most)
    return scale, zero


def in_range(weight, scale, zero, groups, bits):
    """The nearest values that codes have: AutoGPTQ does not clamp."""
    scale, zero = scale[:, groups], zero[:, groups]
    return (torch.round(weight / scale) + zero).clamp(0, 2**bits - 1).sub(zero) * scale


def pack_gptq(weight, quantisation):
    bits, width = quantisation["bits"], weight.shape[1]
    size = width if quantisation["group_size"] == -1 else quantisation["group_size"]
    groups = torch.arange(width) // size
    if quantisation["desc_act"]:
        groups = groups[torch.randperm(width)]
    scale, zero = group_parameters(weight, bits, groups, quantisation["sym"])
    linear = torch.nn.Linear(width, weight.shape[0], bias=False)
    linear.weight.data = in_range(weight, scale, zero, groups, bits)
    packed = gptq.QuantLinear(bits, size, width, weight.shape[0], bias=False)
    packed.pack(linear, scale, zero, groups.to(torch.int32))
    unpacked = packed(torch.eye(width)).T.contiguous()
    packed.scales = packed.scales.half()
    if quantisation["desc_act"]:
        unpacked = unpacked.half().float()  # as its kernels have them
    tensors = {part: getattr(packed, part) for part in ("qweight", "qzeros", "scales", "g_idx")}
    if quantisation["checkpoint_format"] == "gptq_v2":
        tensors["qzeros"] = tensors["qzeros"] + 0x11111111  # every nibble one more; GPTQModel converts so
    return tensors, unpacked


def pack_awq(weight, quantisation):
    size = quantisation["group_size"]
    groups = torch.arange(weight.shape[1]) // size
    scale, zero = group_parameters(weight, 4, groups, False)
    linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    linear.weight.data = in_range(weight, scale, zero, groups, 4)
    packed = awq.WQLinear_GEMM.from_linear(linear, 4, size, scales=scale.T.contiguous(), zeros=zero.T.contiguous())
    unpacked = awq.dequantize_gemm(packed.qweight, packed.qzeros, packed.scales.float(), 4, size).T.contiguous()
    return {part: getattr(packed, part) for part in ("qweight", "qzeros", "scales")}, unpacked


def pack_fp8(weight, quantisation):
    """torch rounds to float8 and reads it back. Weights become f16 where they are multiplied."""
    out, width = weight.shape
    rows, columns = quantisation["weight_block_size"] or (1, width)
    tiles = torch.nn.functional.pad(weight, (0, -width % columns, 0, -out % rows)).unflatten(1, (-1, columns)).unflatten(0, (-1, rows))
    scale = tiles.abs().amax((1, 3)) / 448
    scale = scale if quantisation["weight_block_size"] else scale.bfloat16()
    spread = scale.float().repeat_interleave(rows, 0).repeat_interleave(columns, 1)[:out, :width]
    codes = (weight / spread).clamp(-448, 448).to(torch.float8_e4m3fn)
    name = "weight_scale_inv" if quantisation["weight_block_size"] else "weight_scale"
    return {"weight": codes, name: scale}, (codes.float() * spread).half().float()


PACKERS = {"gptq": pack_gptq, "awq": pack_awq, "fp8": pack_fp8}


def matrices_of(name, value):
    """The linear layers of a parameter: stacked experts are published one by one. Setting an item changes the parameter."""
    prefix = name.removesuffix(".weight")
    if name.endswith("experts.gate_up_proj"):
        half = value.shape[1] // 2
        return [(f"{prefix.removesuffix('gate_up_proj')}{expert}.{part}", value[expert, start : start + half]) for expert in range(value.shape[0]) for part, start in (("gate_proj", 0), ("up_proj", half))]
    if name.endswith("experts.down_proj"):
        return [(f"{prefix.removesuffix('down_proj')}{expert}.down_proj", value[expert]) for expert in range(value.shape[0])]
    return [(prefix, value)] if prefix.endswith("_proj") else []


def make(name, folder):
    config, quantisation = MODELS[name]
    torch.manual_seed(list(MODELS).index(name))
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    tensors = {}
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            vector = parameter.ndim == 1
            parameter.copy_(((torch.randn_like(parameter) * (0.3 if vector else 0.15)) + (1.0 if vector else 0.0)).half())
            matrices = [] if key.endswith(".bias") else matrices_of(key, parameter.data)
            if not matrices:
                tensors[key] = parameter.detach().half()
            for module, matrix in matrices:
                parts, unpacked = PACKERS[quantisation["quant_method"]](matrix.clone(), quantisation)
                matrix.copy_(unpacked)
                for part, value in parts.items():
                    tensors[f"{module}.{part}"] = value.contiguous()
    target = folder / name
    target.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    fields = {key: value for key, value in config.to_dict().items() if value is not None and key not in ("layer_types", "dtype")}
    (target / "config.json").write_text(json.dumps({**fields, "torch_dtype": "float16", "quantization_config": quantisation}, indent=1))
    (target / "tokenizer.json").write_text(json.dumps(beside["tokenizer"]()))
    expect(model, target)


def expect(model, target):
    ids = torch.randint(0, VOCABULARY, (1, 40))
    with torch.no_grad():
        logits = model(ids, use_cache=False).logits[0]
        greedy = model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=GenerationConfig(max_new_tokens=12, do_sample=False, eos_token_id=None, pad_token_id=0))
    rows = [0, 1, 39]
    round7 = lambda row: [float(f"{value:.7g}") for value in row.tolist()]
    case = dict(ids=ids[0].tolist(), rows=rows, logits=[round7(logits[row]) for row in rows], greedy=greedy[0, 40:].tolist(), std=logits.std().item())
    (target / "expected.json").write_text(json.dumps(case))


if __name__ == "__main__":
    beside = runpy.run_path(str(pathlib.Path(__file__).with_name("make-qwen2-fixtures.py")))
    gptq = load_module("auto_gptq", "nn_modules/qlinear/qlinear_cuda")
    sys.modules["awq.utils.utils"] = types.SimpleNamespace(get_best_device=lambda: "cpu")  # the module asks for accelerate
    awq = load_module("awq", "modules/linear/gemm", "awq.utils", "awq.modules")
    for model_name in sys.argv[2:] or MODELS:
        make(model_name, pathlib.Path(sys.argv[1]))
