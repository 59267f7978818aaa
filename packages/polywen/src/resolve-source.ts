import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InvalidArgumentError, NotFoundError } from "@polywen/tensor";

/** The model that comes with this package: small, trained, for pictures and recordings of digits and simple scenes. */
export const EMBEDDED_MODEL = "polywen/tiny";

/** A folder, a file, or the embedded model. Anything else is explained rather than guessed. */
export function resolveSource(source: string): string {
  if (typeof source !== "string" || source === "") throw new InvalidArgumentError({ argument: "source", expected: "a folder, a .gguf file or \"polywen/tiny\"", received: source });
  if (source === EMBEDDED_MODEL) return fileURLToPath(new URL("../models/tiny", import.meta.url));
  if (existsSync(source)) return source;
  throw new NotFoundError(
    { what: "Model", name: source },
    { hint: "Give a folder with config.json, tokenizer.json and safetensors, or a .gguf file. This release does not download from a hub: fetch the model first, for instance with `hf download`." },
  );
}
