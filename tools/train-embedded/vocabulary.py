"""The tokenizer: byte-level BPE with Qwen2's pre-tokeniser, trained on the sentences of wording.py, and the chat template."""
import json
import os

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BASE = 640      # 256 bytes and 384 merges: nearly every word of wording.py is one token

# The names and the order of Qwen2.5-Omni's published tokenizer; the last eight are `special: false` there as well.
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>", "<|box_end|>", "<|quad_start|>",
           "<|quad_end|>", "<|vision_bos|>", "<|vision_eos|>", "<|vision_pad|>", "<|IMAGE|>", "<|VIDEO|>"]
PLAIN = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"]

IMAGE, AUDIO, VIDEO = ("<|vision_bos|><|IMAGE|><|vision_eos|>", "<|audio_bos|><|AUDIO|><|audio_eos|>",
                       "<|vision_bos|><|VIDEO|><|vision_eos|>")

# ChatML, one turn after another; content is a string or a list of parts in the order in which they were given.
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' or 'image' in part or 'image_url' in part %}{{ '" + IMAGE + "' }}"
    "{% elif part['type'] == 'audio' or 'audio' in part or 'audio_url' in part %}{{ '" + AUDIO + "' }}"
    "{% elif part['type'] == 'video' or 'video' in part %}{{ '" + VIDEO + "' }}"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def train(sentences):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.train_from_iterator(sentences, trainers.BpeTrainer(
        vocab_size=BASE, min_frequency=1, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    tokenizer.add_tokens([AddedToken(t, special=t in SPECIAL, normalized=False) for t in SPECIAL + PLAIN])
    return tokenizer


def save(tokenizer, folder):
    """The four tokenizer files as Qwen publishes them."""
    os.makedirs(folder, exist_ok=True)
    data = json.loads(tokenizer.to_str())
    data["model"].update(continuing_subword_prefix="", end_of_word_suffix="")
    data["model"]["merges"] = [m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]]
    write(folder, "tokenizer.json", data)
    write(folder, "vocab.json", data["model"]["vocab"])
    with open(os.path.join(folder, "merges.txt"), "w", encoding="utf-8") as file:
        file.write("#version: 0.2\n" + "".join(m + "\n" for m in data["model"]["merges"]))
    keys = ("content", "lstrip", "normalized", "rstrip", "single_word", "special")
    write(folder, "tokenizer_config.json", {
        "add_bos_token": False, "add_prefix_space": False,
        "added_tokens_decoder": {str(t["id"]): {k: t[k] for k in keys} for t in data["added_tokens"]},
        "additional_special_tokens": SPECIAL, "audio_bos_token": "<|audio_bos|>", "audio_eos_token": "<|audio_eos|>",
        "audio_token": "<|AUDIO|>", "bos_token": None, "chat_template": TEMPLATE, "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>", "errors": "replace", "image_token": "<|IMAGE|>", "model_max_length": 2048,
        "pad_token": "<|endoftext|>", "split_special_tokens": False, "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
        "video_token": "<|VIDEO|>", "vision_bos_token": "<|vision_bos|>", "vision_eos_token": "<|vision_eos|>"})


def write(folder, name, data):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(data, file, indent=2, ensure_ascii=False)
        file.write("\n")


def ids_of(tokenizer):
    """The id of every special token by name."""
    return {name: tokenizer.token_to_id(name) for name in SPECIAL + PLAIN}
