import { copyFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { loadModel } from "polywen";
import { bool, text, u32 } from "../../../packages/formats/src/gguf/test-gguf.ts";
import { baseMmproj, baseOmniMmproj, flags } from "../base-mmproj.ts";
import { failure, result, type Attempt, type HostileCase, type Outcome } from "../hostile-case.ts";
import { loadAndDispose } from "./model-calls.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/mmproj/${name}`, import.meta.url));

/** A case of files that are given as the mmproj of a good model, all of which must end alike. */
function projectors(id: string, input: string, files: readonly (Uint8Array | string)[], outcome: Outcome, model = "qwen2vl"): HostileCase {
  return {
    id,
    input,
    write: async ({ path }) => {
      await copyFile(fixture(`${model}/model.gguf`), path("model.gguf"));
      for (const [index, bytes] of files.entries()) await (typeof bytes === "string" ? copyFile(fixture(bytes), path(`${index}.mmproj.gguf`)) : writeFile(path(`${index}.mmproj.gguf`), bytes));
    },
    attempts: ({ path }) =>
      files.map((_, index): Attempt => async () => {
        await (await loadModel(path("model.gguf"), { mmproj: path(`${index}.mmproj.gguf`) })).dispose();
        return {};
      }),
    outcome,
  };
}

function invalid(pointer: string, says?: string): Outcome {
  return failure("FILE_INVALID", { file: "mmproj.gguf", place: { pointer }, ...(says === undefined ? {} : { says }) });
}

const without = (name: string): Buffer => baseMmproj({}, (table) => table.delete(name));
const shaped = (name: string, dims: readonly number[]): Buffer => baseMmproj({}, (table) => table.set(name, dims));

const omni = (id: string, input: string, files: readonly Uint8Array[], outcome: Outcome): HostileCase => projectors(id, `Qwen2.5-Omni: ${input}`, files, outcome, "qwen25omni");
const omniWithout = (name: string): Buffer => baseOmniMmproj({}, (table) => table.delete(name));
const omniShaped = (name: string, dims: readonly number[]): Buffer => baseOmniMmproj({}, (table) => table.set(name, dims));

/** The file with which a GGUF model sees pictures: another file, one of another model, damaged. */
export const mmprojCases: readonly HostileCase[] = [
  projectors("45a", "a model, and a file without keys, as the mmproj of a model", ["qwen2vl/model.gguf", baseMmproj({ "general.architecture": undefined })], invalid("/general.architecture", "mmproj")),
  {
    id: "45b",
    input: "an mmproj as the model, of this kind or an early one",
    write: async ({ path }) => {
      await copyFile(fixture("qwen2vl/mmproj.gguf"), path("model.gguf"));
      await copyFile(fixture("qwen2vl-early/mmproj.gguf"), path("early.model.gguf"));
    },
    attempts: ({ path }) => ["model.gguf", "early.model.gguf"].map((name) => () => loadAndDispose(path(name))),
    outcome: failure("UNSUPPORTED", { file: "model.gguf", says: "give this file as its mmproj" }),
  },
  projectors("45c", "the mmproj of a wider model, and of a narrower one", [shaped("mm.2.weight", [64, 48]), shaped("mm.2.weight", [64, 16])], invalid("/mm.2.weight", "another model")),
  projectors("45d", "the mmproj of other architectures, of a model that listens, an unknown projector", ["qwen3vl/mmproj.gguf", "qwen2audio/mmproj.gguf", baseMmproj({ "clip.projector_type": text("perceiver") })], failure("UNSUPPORTED", { file: "mmproj.gguf" })),
  projectors("45e", "an mmproj without the name of a projector", [baseMmproj({ "clip.projector_type": undefined })], invalid("/clip.projector_type")),
  projectors("45f", "0 layers, no number of layers", [baseMmproj({ "clip.vision.block_count": u32(0) }), baseMmproj({ "clip.vision.block_count": undefined })], invalid("/clip.vision.block_count")),
  projectors("45g", "no heads, 0 heads, 5 heads for 16 values", [undefined, u32(0), u32(5)].map((heads) => baseMmproj({ "clip.vision.attention.head_count": heads })), invalid("/clip.vision.attention.head_count")),
  projectors("45h", "no mean, a text, a number", [undefined, text("0.5"), u32(1)].map((mean) => baseMmproj({ "clip.vision.image_mean": mean })), invalid("/clip.vision.image_mean")),
  projectors("45i", "a hyperparameter and tensors that nobody knows, another activation", [
    baseMmproj({ "clip.vision.magic": u32(1) }),
    shaped("v.blk.0.extra.weight", [16]),
    shaped("v.deepstack.0.norm.weight", [64]),
    baseMmproj({ "clip.use_gelu": bool(1) }),
  ], failure("UNSUPPORTED", { file: "mmproj.gguf" })),
  projectors("45j", "one kernel of patches only, or two of different shapes", [without("v.patch_embd.weight.1"), shaped("v.patch_embd.weight.1", [4, 4, 3, 8])], invalid("/v.patch_embd.weight.1")),
  projectors("45k", "layers without their first matrix, or with a vector in its place", [without("v.blk.0.ffn_up.weight"), shaped("v.blk.0.ffn_up.weight", [16])], invalid("/v.blk.0.ffn_up.weight")),
  projectors("45l", "lists of deepstack layers that the tensors contradict", [baseMmproj({ "clip.vision.is_deepstack_layers": flags([1]) })], invalid("/clip.vision.is_deepstack_layers")),
  projectors("45m", "a matrix of another shape", [shaped("v.blk.0.attn_q.weight", [16, 8]), shaped("v.blk.0.attn_q.weight", [8, 16])], failure("FILE_INVALID", { file: "mmproj.gguf", place: { pointer: "/visual.blocks.0.attn.q.weight/shape" } })),
  projectors("45n", "a tensor that is missing", [without("mm.0.bias")], failure("NOT_FOUND", { file: "mmproj.gguf", says: "visual.merger.mlp.0.bias" })),
  omni("45o", "an mmproj of zeros that fits", [baseOmniMmproj()], result("a model")),
  omni("45p", "one tower instead of two", [undefined, bool(0)].map((flag) => baseOmniMmproj({ "clip.has_audio_encoder": flag })), invalid("/clip.has_audio_encoder", "two towers")),
  omni("45q", "no number of layers that listen, 0 layers", [undefined, u32(0)].map((count) => baseOmniMmproj({ "clip.audio.block_count": count })), invalid("/clip.audio.block_count")),
  omni("45r", "sounds that become wider rows than the text has, narrower ones, or a vector", [omniShaped("mm.a.fc.weight", [16, 64]), omniShaped("mm.a.fc.weight", [16, 16]), omniShaped("mm.a.fc.weight", [16])], invalid("/mm.a.fc.weight")),
  omni("45s", "another tower for sounds, for pictures, a tensor and a hyperparameter that nobody knows", [
    baseOmniMmproj({ "clip.audio.projector_type": text("qwen3a") }),
    baseOmniMmproj({ "clip.vision.projector_type": text("qwen3vl_merger") }),
    omniShaped("a.blk.0.extra.weight", [16]),
    baseOmniMmproj({ "clip.audio.magic": u32(1) }),
  ], failure("UNSUPPORTED", { file: "mmproj.gguf" })),
  omni("45t", "heads that do not share the width of what listens", [baseOmniMmproj({ "clip.audio.attention.head_count": u32(5) })], invalid("/clip.audio.attention.head_count", "5 heads")),
  omni("45u", "a kernel that is missing", [omniWithout("a.conv1d.2.weight")], failure("NOT_FOUND", { file: "mmproj.gguf", says: "audio_tower.conv2.weight" })),
  omni("45v", "other mel bands than the first kernel has", [baseOmniMmproj({ "clip.audio.num_mel_bins": u32(24) })], failure("FILE_INVALID", { file: "mmproj.gguf", place: { pointer: "/audio_tower.conv1.weight/shape" } })),
  projectors("45w", "the mmproj of Qwen2.5-Omni beside a model that only sees", [baseOmniMmproj()], failure("FILE_INVALID", { file: "model.gguf", place: { pointer: "/tokenizer.ggml.tokens" }, says: "<|IMAGE|>" })),
];
