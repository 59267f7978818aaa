import { InvalidFileError } from "@polywen/tensor";
import { jsonPointer } from "../../json-pointer.ts";
import { audioOutput, audioPositions, readAudioTower, renameAudioTensors } from "./audio-tower.ts";
import type { JoinedProjector, TextPart } from "./joined-projector.ts";
import { matrixShape, requireArchitecture, requireWidth, type ProjectorSource } from "./projector-source.ts";
import { tokenIds } from "./token-ids.ts";

/** Steps of the encoder in a second: two mel frames each. */
const stepsPerSecond = 50;

const names = { [audioPositions]: "audio_tower.embed_positions", "a.post_ln": "audio_tower.layer_norm", "mm.a.fc": "multi_modal_projector.linear" };

/** Qwen2-Audio: a text model of the architecture `qwen2` and an audio tower with a stored table of positions. Throws as `joinProjector` does. */
export function joinAudio(text: TextPart, source: ProjectorSource): JoinedProjector {
  requireArchitecture(source, text.architecture, ["qwen2"]);
  requireWidth(source, audioOutput, text.config["hidden_size"]);
  source.fields.ignore("use_gelu");
  source.fields.only("use_silu", false);
  const positions = positionsOf(source);
  const audio = { ...readAudioTower(source), max_source_positions: positions };
  return {
    config: { model_type: "qwen2_audio", ...tokenIds(text, { audio_token_id: "<|AUDIO|>" }), text_config: text.config, audio_config: audio },
    preprocessor: { feature_extractor_type: "WhisperFeatureExtractor", feature_size: audio.num_mel_bins, chunk_length: positions / stepsPerSecond },
    tensors: renameAudioTensors(source.tensors.values(), names),
  };
}

function positionsOf(source: ProjectorSource): number {
  const name = `${audioPositions}.weight`;
  const [positions] = matrixShape(source, name);
  if (positions > 0 && positions % stepsPerSecond === 0) return positions;
  throw new InvalidFileError({ file: source.file, problem: `${positions} positions are no whole seconds`, pointer: jsonPointer([name]) });
}
