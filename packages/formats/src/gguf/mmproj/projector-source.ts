import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import { jsonPointer, quoted } from "../../json-pointer.ts";
import type { TensorEntry } from "../../safetensors-header.ts";
import { GgufFields } from "../gguf-fields.ts";
import { readGgufHeader } from "../read-gguf-header.ts";

/** An mmproj, as its header says it. */
export interface ProjectorSource {
  readonly file: string;
  /** The hyperparameters, which begin with `clip.`. Every part that reads some asks here, so that what nobody asked for can be refused. */
  readonly fields: GgufFields;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** Reads the header of an mmproj. Throws as `readGgufHeader` does, and `InvalidFileError` for a file that is none. */
export async function readProjectorSource(file: string): Promise<ProjectorSource> {
  const { metadata, tensors } = await readGgufHeader(file);
  const architecture = metadata.get("general.architecture");
  if (architecture === "clip") return { file, fields: new GgufFields(metadata, "clip", file), tensors };
  throw new InvalidFileError(
    { file, problem: `an mmproj has the architecture "clip", but this file has ${typeof architecture === "string" ? quoted(architecture) : "none"}`, pointer: jsonPointer(["general.architecture"]) },
    { hint: "The mmproj of a model is published beside it, in a file whose name begins with mmproj." },
  );
}

/** The shape of a matrix. Throws `InvalidFileError` where there is none of that name. */
export function matrixShape({ file, tensors }: ProjectorSource, name: string): readonly [rows: number, columns: number] {
  const shape = tensors.get(name)?.shape;
  if (shape?.length === 2) return [shape[0]!, shape[1]!];
  throw new InvalidFileError({ file, problem: shape === undefined ? "this tensor is missing" : `a matrix is expected, but it is [${shape.join(", ")}]`, pointer: jsonPointer([name]) });
}

const otherModel = { hint: "The mmproj belongs to another model." };

/** Throws `UnsupportedError` for a text model that no projector of this kind feeds. */
export function requireArchitecture({ file }: ProjectorSource, architecture: string, known: readonly string[]): void {
  if (known.includes(architecture)) return;
  throw new UnsupportedError({ feature: `${file}: a projector for ${known.join(" and ")} beside a text model of the architecture ${architecture}` }, otherModel);
}

/** Throws `InvalidFileError` where the rows that the matrix `name` gives are not as wide as the text model. */
export function requireWidth(source: ProjectorSource, name: string, expected: unknown): void {
  const [width] = matrixShape(source, name);
  if (width === expected) return;
  throw new InvalidFileError({ file: source.file, problem: `it gives rows of ${width}, but the text model is ${String(expected)} wide`, pointer: jsonPointer([name]) }, otherModel);
}
