import { expect, test } from "vitest";
import { parseQwen2Config } from "./qwen2-config.ts";

const base = { model_type: "qwen2", vocab_size: 100, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 4, num_attention_heads: 4, num_key_value_heads: 2 };

test("windows come from max_window_layers, unless layer_types lists them", () => {
  const windows = (fields: object): unknown => parseQwen2Config({ ...base, sliding_window: 9, ...fields }, { file: "config.json" }).windows;
  expect(windows({ use_sliding_window: false, max_window_layers: 0 })).toEqual([undefined, undefined, undefined, undefined]);
  expect(windows({ use_sliding_window: true, max_window_layers: 2 })).toEqual([undefined, undefined, 9, 9]);
  expect(windows({ use_sliding_window: true, layer_types: ["sliding_attention", "full_attention", "full_attention", "full_attention"] })).toEqual([9, undefined, undefined, undefined]);
});

test("both spellings of rope settings give the same", () => {
  const scaling = { rope_type: "yarn", factor: 4, original_max_position_embeddings: 64 };
  const older = parseQwen2Config({ ...base, rope_theta: 5e5, rope_scaling: scaling }, { file: "config.json" }).rope;
  expect(parseQwen2Config({ ...base, rope_parameters: { ...scaling, rope_theta: 5e5 } }, { file: "config.json" }).rope).toEqual(older);
  expect(older).toMatchObject({ theta: 5e5, scaling: { kind: "yarn", factor: 4, attentionFactor: 0.1 * Math.log(4) + 1 } });
});

test.each([
  [{ hidden_size: 1e9 }, "/text/hidden_size"],
  [{ num_hidden_layers: 0 }, "/text/num_hidden_layers"],
  [{ num_key_value_heads: 3 }, "/text/num_key_value_heads"],
  [{ num_attention_heads: 5, num_key_value_heads: 5 }, "/text/num_attention_heads"],
  [{ hidden_act: "gelu" }, "/text/hidden_act"],
  [{ rms_norm_eps: 0 }, "/text/rms_norm_eps"],
  [{ layer_types: ["full_attention"] }, "/text/layer_types"],
])("%j is refused at %s", (fields, pointer) => {
  expect(() => parseQwen2Config({ ...base, ...fields } as never, { file: "config.json", pointer: ["text"] })).toThrow(expect.objectContaining({ code: "FILE_INVALID", facts: expect.objectContaining({ pointer }) }));
});

test.each([undefined, [], [4], [2, 2], [1, 1, 1], [1, 1, 1, 1]])("M-RoPE sections %j do not fit three axes", (sections) => {
  const parse = (): unknown => parseQwen2Config({ ...base, rope_scaling: { type: "mrope", ...(sections && { mrope_section: sections }) } }, { file: "config.json", multimodal: true });
  expect(parse).toThrow(expect.objectContaining({ code: "FILE_INVALID", facts: expect.objectContaining({ pointer: "/rope_scaling/mrope_section" }) }));
});

test("sections count for multimodal families only", () => {
  const config = { ...base, rope_scaling: { type: "mrope", mrope_section: [2, 1, 1] } };
  expect(parseQwen2Config(config, { file: "config.json", multimodal: true }).rope.sections).toEqual([2, 1, 1]);
  expect(parseQwen2Config(config, { file: "config.json" }).rope.sections).toBeUndefined();
});

test("scalings of other families are refused by name", () => {
  const parse = (): unknown => parseQwen2Config({ ...base, rope_scaling: { rope_type: "proportional", factor: 2 } }, { file: "config.json" });
  expect(parse).toThrow(expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringContaining("proportional") }));
});
