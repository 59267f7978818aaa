import { UnsupportedError } from "@polywen/tensor";
import { quoted } from "../../json-pointer.ts";
import { audioProjector } from "./audio-tower.ts";
import { joinAudio } from "./join-audio.ts";
import { joinOmni } from "./join-omni.ts";
import { joinVision } from "./join-vision.ts";
import type { JoinedProjector, TextPart } from "./joined-projector.ts";
import { readProjectorSource, type ProjectorSource } from "./projector-source.ts";
import { projectorTypes } from "./projector-types.ts";
import { omniVisionProjector, visionKinds, type VisionKind } from "./vision-kinds.ts";

/**
 * Joins a text model and the mmproj in the file `path`. Throws as `readGgufHeader` does, `InvalidFileError` for keys that are missing or
 * wrong and where the two do not fit each other, and `UnsupportedError` for other projectors, hyperparameters and tensors that are not known.
 */
export async function joinProjector(text: TextPart, path: string): Promise<JoinedProjector> {
  const source = await readProjectorSource(path);
  const joined = join(text, source);
  source.fields.refuseOthers();
  return joined;
}

function join(text: TextPart, source: ProjectorSource): JoinedProjector {
  const { vision, audio } = projectorTypes(source);
  if (audio !== undefined && audio !== audioProjector) refuse(source, audio, [audioProjector]);
  if (vision === undefined) return joinAudio(text, source);
  const kind = visionKind(source, vision);
  if (audio === undefined) return joinVision(text, source, kind);
  return vision === omniVisionProjector ? joinOmni(text, source, kind) : refuse(source, vision, [omniVisionProjector]);
}

function visionKind(source: ProjectorSource, name: string): VisionKind {
  return Object.hasOwn(visionKinds, name) ? visionKinds[name]! : refuse(source, name, Object.keys(visionKinds));
}

function refuse({ file }: ProjectorSource, name: string, supported: readonly string[]): never {
  throw new UnsupportedError({ feature: `${file}: the projector ${quoted(name)}`, supported });
}
