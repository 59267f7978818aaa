import { audioOutput, audioPositions, isAudioTensor, readAudioTower, renameAudioTensors } from "./audio-tower.ts";
import type { JoinedProjector, TextPart } from "./joined-projector.ts";
import { mropeOf } from "./mrope.ts";
import { requireArchitecture, requireWidth, type ProjectorSource } from "./projector-source.ts";
import { tokenIds } from "./token-ids.ts";
import type { VisionKind } from "./vision-kinds.ts";
import { renameVisionTensors } from "./vision-tensors.ts";
import { readVisionTower, visionOutput } from "./vision-tower.ts";

/** Seconds that the feature extractor of Qwen2.5-Omni takes at most. */
const seconds = 300;

/** The table of positions is the one that its formula gives. */
const names = { [audioPositions]: undefined, "a.post_ln": "audio_tower.ln_post", "mm.a.fc": "audio_tower.proj" };

/** Qwen2.5-Omni: the tower of Qwen2.5-VL and an audio tower without a window, in one file. Throws as `joinProjector` does. */
export function joinOmni(text: TextPart, source: ProjectorSource, kind: VisionKind): JoinedProjector {
  requireArchitecture(source, text.architecture, Object.keys(kind.modelTypes));
  for (const output of [visionOutput, audioOutput]) requireWidth(source, output, text.config["hidden_size"]);
  const seen = readVisionTower(source, kind);
  const audio = readAudioTower(source);
  const entries = [...source.tensors.values()];
  const ofVision = new Map(entries.filter(({ name }) => !isAudioTensor(name)).map((entry) => [entry.name, entry]));
  return {
    config: {
      model_type: "qwen2_5_omni_thinker",
      text_config: { ...text.config, ...mropeOf(text, seen) },
      ...tokenIds(text, { image_token_id: "<|IMAGE|>", video_token_id: "<|VIDEO|>" }),
      ...tokenIds(text, { audio_token_id: "<|AUDIO|>" }),
      vision_config: seen.vision,
      audio_config: { ...audio, output_dim: text.config["hidden_size"]! },
    },
    preprocessor: { ...seen.preprocessor, feature_extractor_type: "WhisperFeatureExtractor", feature_size: audio.num_mel_bins, chunk_length: seconds },
    tensors: new Map([...renameVisionTensors(source.file, ofVision, seen), ...renameAudioTensors(entries.filter(({ name }) => isAudioTensor(name)), names)]),
  };
}
