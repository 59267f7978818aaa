import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { JsonObject } from "../../json-file.ts";
import { jsonPointer } from "../../json-pointer.ts";
import type { TensorEntry } from "../../safetensors-header.ts";
import { GgufFields } from "../gguf-fields.ts";
import { readGgufHeader } from "../read-gguf-header.ts";
import type { GgufValue } from "../gguf-value.ts";
import { audioProjector, joinAudioProjector } from "./audio-projector.ts";
import { readProjectorConfig, type ProjectorConfig } from "./projector-config.ts";
import { renameProjectorTensors } from "./projector-tensors.ts";
import { tokenIds } from "./token-ids.ts";

/** The text model that a projector joins. */
export interface TextPart {
  readonly file: string;
  readonly architecture: string;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** As `configFromGguf` makes it. */
  readonly config: JsonObject;
}

/** What a projector adds to a text model. */
export interface JoinedProjector {
  /** config.json of the whole. */
  readonly config: JsonObject;
  readonly preprocessor: JsonObject;
  /** Of the tower and the projector, under the names of Hugging Face. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** Tokens of the published vocabularies, by the fields of config.json that name their ids. */
const mediaTokens = { image_token_id: "<|image_pad|>", video_token_id: "<|video_pad|>", vision_start_token_id: "<|vision_start|>" } as const;

/** Joins a text model and the projector in the file `path`. Throws as `readGgufHeader` and `readProjectorConfig` do, and where the two do not fit each other. */
export async function joinProjector(text: TextPart, path: string): Promise<JoinedProjector> {
  const { metadata, tensors } = await readGgufHeader(path);
  const source = { file: path, metadata, tensors };
  if ((metadata.get("clip.audio.projector_type") ?? metadata.get("clip.projector_type")) === audioProjector) return joinAudioProjector(text, source);
  const projector = readProjectorConfig(source);
  requireFit(text, projector, path);
  const config = {
    ...text.config,
    model_type: projector.kind.modelTypes[text.architecture]!,
    ...ropeOf(text, projector),
    ...tokenIds(text, mediaTokens),
    vision_config: projector.vision,
  };
  return { config, preprocessor: projector.preprocessor, tensors: renameProjectorTensors(path, tensors, projector) };
}

function requireFit({ architecture, config }: TextPart, { kind, outputWidth }: ProjectorConfig, path: string): void {
  const hint = { hint: "The mmproj belongs to another model." };
  if (!Object.hasOwn(kind.modelTypes, architecture)) {
    throw new UnsupportedError({ feature: `${path}: a projector for ${Object.keys(kind.modelTypes).join(" and ")} beside a text model of the architecture ${architecture}` }, hint);
  }
  if (outputWidth === config["hidden_size"]) return;
  throw new InvalidFileError({ file: path, problem: `it gives rows of ${outputWidth}, but the text model is ${String(config["hidden_size"])} wide`, pointer: jsonPointer(["mm.2.weight"]) }, hint);
}

/** The frequencies of each of the three axes of positions. */
function ropeOf({ metadata, architecture, file, config }: TextPart, { deepstackLayers, kind }: ProjectorConfig): JsonObject {
  const fields = new GgufFields(metadata, architecture, file);
  if (config["rope_scaling"] !== undefined) throw new UnsupportedError({ feature: `${file}: scaled rotary positions beside an mmproj` });
  const [t = 0, h = 0, w = 0, ...others] = fields.numbers("rope.dimension_sections", 0);
  if (others.some((count) => count !== 0)) fields.fail("rope.dimension_sections", "three sections are expected, and zeros");
  const levels = fields.optionalInteger("n_deepstack_layers");
  if (levels !== undefined && levels !== deepstackLayers.length) fields.fail("n_deepstack_layers", `the mmproj has ${deepstackLayers.length} such layers`);
  const interleaved = kind.deepstack ? { mrope_interleaved: true } : {};
  return { rope_scaling: { type: "default", rope_type: "default", mrope_section: [t, h, w], ...interleaved } };
}
