import { UnsupportedError } from "@polywen/tensor";
import { audioProjector } from "./audio-tower.ts";
import type { ProjectorSource } from "./projector-source.ts";
import { omniVisionProjector } from "./vision-kinds.ts";

/** Which towers a file has, and by which kind of projector each is joined to the text model. */
export interface ProjectorTypes {
  readonly vision?: string | undefined;
  readonly audio?: string | undefined;
}

/** One name for two towers: what each of them is. */
const combined: Readonly<Record<string, Required<ProjectorTypes>>> = { "qwen2.5o": { vision: omniVisionProjector, audio: audioProjector } };

/**
 * Reads the kinds of the towers. Files with one tower say `clip.projector_type`; files with two say it for both, or for each apart
 * (`clip.vision.projector_type`). Throws `InvalidFileError` where nothing says it, and `UnsupportedError` for files without a tower.
 */
export function projectorTypes({ file, fields }: ProjectorSource): ProjectorTypes {
  const shared = fields.text("projector_type");
  const parts = shared !== undefined && Object.hasOwn(combined, shared) ? combined[shared] : undefined;
  const typeOf = (tower: "vision" | "audio"): string | undefined => {
    const own = fields.text(`${tower}.projector_type`) ?? parts?.[tower] ?? shared;
    if (!fields.flag(`has_${tower}_encoder`)) return parts === undefined ? undefined : fields.fail(`has_${tower}_encoder`, `the projector "${shared}" has two towers`);
    return own ?? fields.fail("projector_type", "this key is missing");
  };
  const types = { vision: typeOf("vision"), audio: typeOf("audio") };
  if (types.vision === undefined && types.audio === undefined) throw new UnsupportedError({ feature: `${file}: a projector without a tower` });
  return types;
}
