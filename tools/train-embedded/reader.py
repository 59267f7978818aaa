"""Asks a checkpoint folder as a user of transformers does: float32, eager attention, PIL image processor, greedy decoding."""
import json
import os

import numpy as np
import torch
from PIL import Image
from transformers import GenerationConfig, WhisperFeatureExtractor
from transformers.audio_utils import load_audio
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers import AutoTokenizer

import checkpoint
import forward
import sounds

IMAGE_KEYS = ("do_convert_rgb", "do_normalize", "do_rescale", "do_resize", "image_mean", "image_std", "max_pixels", "min_pixels",
              "merge_size", "patch_size", "resample", "rescale_factor", "temporal_patch_size")


class Reader:
    def __init__(self, folder):
        self.model = checkpoint.load(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        with open(os.path.join(folder, "preprocessor_config.json"), encoding="utf-8") as file:
            config = json.load(file)
        self.image_processor = Qwen2VLImageProcessorPil(**{k: config[k] for k in IMAGE_KEYS})
        self.extractor = WhisperFeatureExtractor(
            return_attention_mask=True, **{k: config[k] for k in ("feature_size", "sampling_rate", "hop_length", "chunk_length", "n_fft")})
        self.greedy = GenerationConfig(max_new_tokens=40, do_sample=False, eos_token_id=self.model.config.text_config.eos_token_id,
                                       pad_token_id=self.model.config.text_config.pad_token_id)

    def features(self, wave):
        """Log-mel of a 16 kHz wave by transformers' own extractor, [128, frames]."""
        out = self.extractor([wave], sampling_rate=sounds.RATE, padding="max_length", return_attention_mask=True, return_tensors="np")
        return out["input_features"][0][:, :int(out["attention_mask"].sum())]

    def inputs(self, messages):
        """Content parts are {"type": "text"|"image"|"audio", …} with "text"; "image": picture or path; "audio": path or log-mel."""
        parts = [p for m in messages if not isinstance(m["content"], str) for p in m["content"]]
        pictures = [p["image"] for p in parts if p["type"] == "image"]
        mels = [p["audio"] for p in parts if p["type"] == "audio"]
        bare = [{"role": m["role"], "content": m["content"] if isinstance(m["content"], str) else
                 [{k: p[k] for k in ("type", "text") if k in p} for p in m["content"]]} for m in messages]
        ids = self.tokenizer(self.tokenizer.apply_chat_template(bare, tokenize=False, add_generation_prompt=True))["input_ids"]
        out, image_tokens, audio_tokens = {}, [], []
        if pictures:
            out.update(self.image_processor(images=[self.picture(p) for p in pictures], return_tensors="pt"))
            image_tokens = [int(g.prod()) // 4 for g in out["image_grid_thw"]]
        if mels:
            mels = [self.features(load_audio(m, sampling_rate=sounds.RATE, backend="soundfile")) if isinstance(m, str) else m for m in mels]
            frames = torch.tensor([m.shape[1] for m in mels])
            out["input_features"] = torch.tensor(np.stack([np.pad(m, ((0, 0), (0, int(frames.max()) - m.shape[1]))) for m in mels]))
            out["feature_attention_mask"] = (torch.arange(int(frames.max())) < frames[:, None]).long()
            audio_tokens = [forward.audio_tokens(int(f)) for f in frames]
        config = self.model.config
        counts = {config.image_token_id: iter(image_tokens), config.audio_token_id: iter(audio_tokens)}
        expanded = [i for token in ids for i in [token] * (next(counts[token]) if token in counts else 1)]
        out["input_ids"] = torch.tensor([expanded])
        out["attention_mask"] = torch.ones_like(out["input_ids"])
        return out

    def picture(self, source):
        if isinstance(source, str):
            image = Image.open(source)
            image.load()
            return image
        return Image.fromarray(source) if isinstance(source, np.ndarray) else source

    @torch.no_grad()
    def answer(self, messages):
        """(text, token ids, prompt ids, smallest gap between the best and the second logit along the way)."""
        inputs = self.inputs(messages)
        out = self.model.generate(**inputs, generation_config=self.greedy, output_logits=True, return_dict_in_generate=True)
        prompt = inputs["input_ids"][0].tolist()
        ids = out.sequences[0, len(prompt):].tolist()
        top = torch.stack([step[0] for step in out.logits]).topk(2).values
        return self.tokenizer.decode(ids, skip_special_tokens=True), ids, prompt, float((top[:, 0] - top[:, 1]).min())

    def ask(self, parts):
        """The answer to one user turn in the form of conversations.Turn.parts."""
        content = [{"type": "text", "text": p} if isinstance(p, str) else {"type": p[0], p[0]: p[1]} for p in parts]
        return self.answer([{"role": "user", "content": content}])[0]
