import { array, bool, f32, raw32, text, u32, type TestTensor } from "../../packages/formats/src/gguf/test-gguf.ts";
import { fileOf, type Metadata } from "./base-gguf.ts";

/** Three f32 numbers. */
const triple = (value: number): Buffer => array(6, 3, ...Array.from({ length: 3 }, () => f32(value).subarray(4)));

const metadata: Metadata = {
  "general.architecture": text("clip"),
  "general.type": text("mmproj"),
  "clip.has_vision_encoder": bool(1),
  "clip.projector_type": text("qwen2vl_merger"),
  "clip.vision.block_count": u32(1),
  "clip.vision.embedding_length": u32(16),
  "clip.vision.patch_size": u32(4),
  "clip.vision.attention.head_count": u32(2),
  "clip.vision.attention.layer_norm_epsilon": f32(1e-6),
  "clip.vision.image_mean": triple(0.5),
  "clip.vision.image_std": triple(0.5),
};

/** What an mmproj of Qwen2.5-Omni says beside that: of its other tower, and of the layers of the first. */
const omniMetadata: Metadata = {
  "clip.has_audio_encoder": bool(1),
  "clip.projector_type": text("qwen2.5o"),
  "clip.use_silu": bool(1),
  "clip.vision.n_wa_pattern": u32(1),
  "clip.audio.block_count": u32(1),
  "clip.audio.embedding_length": u32(16),
  "clip.audio.feed_forward_length": u32(48),
  "clip.audio.attention.head_count": u32(2),
  "clip.audio.attention.layer_norm_epsilon": f32(1e-5),
  "clip.audio.num_mel_bins": u32(20),
};

/** Sizes, the fastest first, by the name of a tensor without `.weight`; each but the kernels of patches has a bias as long as the last one. */
type Sizes = Readonly<Record<string, readonly number[]>>;

/** A layer of a tower 16 values wide. */
const layer = (tower: "v" | "a"): Sizes => ({
  [`${tower}.blk.0.ln1`]: [16], [`${tower}.blk.0.ln2`]: [16],
  [`${tower}.blk.0.attn_q`]: [16, 16], [`${tower}.blk.0.attn_k`]: [16, 16], [`${tower}.blk.0.attn_v`]: [16, 16], [`${tower}.blk.0.attn_out`]: [16, 16],
  [`${tower}.blk.0.ffn_up`]: [16, 48], [`${tower}.blk.0.ffn_down`]: [48, 16], [`${tower}.post_ln`]: [16],
});

const visionSizes: Sizes = { ...layer("v"), "mm.0": [64, 64], "mm.2": [64, 32] };
const audioSizes: Sizes = { ...layer("a"), "v.blk.0.ffn_gate": [16, 48], "a.conv1d.1": [3, 20, 16], "a.conv1d.2": [3, 16, 16], "mm.a.fc": [16, 32] };

type Change = (dims: Map<string, readonly number[]>) => unknown;
const unchanged: Change = () => undefined;

/** An mmproj of zeros that fits the model of `test/fixtures/mmproj/qwen2vl`, with changes to its metadata and its table of tensors. */
export const baseMmproj = (changes: Metadata = {}, change: Change = unchanged): Buffer => zeros({ ...metadata, ...changes }, visionSizes, change);

/** As `baseMmproj`, with two towers, for the model of `test/fixtures/mmproj/qwen25omni`. */
export const baseOmniMmproj = (changes: Metadata = {}, change: Change = unchanged): Buffer => zeros({ ...metadata, ...omniMetadata, ...changes }, { ...visionSizes, ...audioSizes }, change);

function zeros(fields: Metadata, sizes: Sizes, change: Change): Buffer {
  const kernels = [["v.patch_embd.weight", [4, 4, 3, 16]], ["v.patch_embd.weight.1", [4, 4, 3, 16]]] as const;
  const rest = Object.entries(sizes).flatMap(([name, dims]) => [[`${name}.weight`, dims], [`${name}.bias`, [dims.at(-1)!]]] as const);
  const table = new Map<string, readonly number[]>([...kernels, ...rest]);
  change(table);
  let end = 0;
  const tensors = [...table].map(([name, dims]): TestTensor => {
    const offset = end;
    end += Math.ceil((dims.reduce((product, length) => product * length) * 4) / 32) * 32;
    return { name, dims: [...dims], type: 0, offset };
  });
  return fileOf(fields, { tensors, dataLength: end });
}

/** A list of truth values. */
export function flags(values: readonly number[]): Buffer {
  return Buffer.concat([raw32(9), raw32(7), Buffer.from(BigUint64Array.of(BigInt(values.length)).buffer), Buffer.from(values)]);
}
