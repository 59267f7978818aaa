import { readdirSync, readFileSync } from "node:fs";
import { array, bool, f32, ggufBytes, i32s, text, texts, u32 } from "../../../packages/formats/src/gguf/test-gguf.ts";

const fixtures = new URL("../../fixtures/gguf/", import.meta.url);

/** Whole models of each architecture. */
export function modelFiles(): Buffer[] {
  const names = readdirSync(fixtures).filter((name) => name.endsWith(".gguf"));
  return names.map((name) => readFileSync(new URL(name, fixtures)));
}

type Metadata = Readonly<Record<string, string | number | boolean | readonly string[] | readonly number[]>>;

/** Headers with the tokenizers of SentencePiece, whose parts no fixture has. */
export function sentencePieceFiles(): Buffer[] {
  const golden = new URL("../../../packages/tokenizer/src/goldens/sentence-piece.json", import.meta.url);
  const { models } = JSON.parse(readFileSync(golden, "utf8")) as { models: Record<string, { metadata: Metadata }> };
  return ["llama", "no-prefix", "few-bytes", "user-defined"].map((name) => headerOf(models[name]!.metadata));
}

function headerOf(tokenizer: Metadata): Buffer {
  const model = Object.entries({ block_count: 1, context_length: 128, embedding_length: 8, feed_forward_length: 8, "attention.head_count": 2 });
  const metadata: (readonly [string, Buffer])[] = [
    ["general.architecture", text("llama")],
    ...model.map(([key, value]) => [`llama.${key}`, u32(value)] as const),
    ["llama.attention.layer_norm_rms_epsilon", f32(1e-5)],
    ["tokenizer.chat_template", text("{{ messages[0].content }}")],
    ...Object.entries(tokenizer).map(([key, value]) => [key, valueOf(key, value)] as const),
  ];
  const tokens = (tokenizer["tokenizer.ggml.tokens"] as readonly string[]).length;
  return ggufBytes({ metadata, tensors: [{ name: "token_embd.weight", dims: [8, tokens], type: 1, offset: 0 }], dataLength: 16 * tokens });
}

function valueOf(key: string, value: Metadata[string]): Buffer {
  if (typeof value === "string") return text(value);
  if (typeof value === "boolean") return bool(Number(value));
  if (typeof value === "number") return u32(value);
  if (key.endsWith("token_type")) return i32s(value as readonly number[]);
  if (key.endsWith("scores")) return array(6, value.length, ...(value as readonly number[]).map((score) => f32(score).subarray(4)));
  return texts(value as readonly string[]);
}
