import { NotFoundError } from "@polywen/tensor";
import { isJsonObject, refuseField, type JsonObject, type ModelFolder } from "@polywen/formats";

/** An object in a config.json, and the way to it. */
export interface ConfigPlace {
  readonly folder: ModelFolder;
  readonly fields: JsonObject;
  readonly pointer: readonly string[];
}

/** The object under `name`. Throws `InvalidFileError` where there is none. */
export function configPart({ folder, fields, pointer }: ConfigPlace, name: string): ConfigPlace {
  const value = fields[name];
  if (isJsonObject(value)) return { folder, fields: value, pointer: [...pointer, name] };
  return refuseField({ file: folder.configPath, pointer }, name, "an object is expected");
}

/** Parts of a checkpoint that feed each other must agree; in a damaged or mixed folder they do not. */
export function requireEqual({ folder, pointer }: ConfigPlace, field: string, received: number, other: string, expected: number): void {
  if (received !== expected) refuseField({ file: folder.configPath, pointer }, field, `it is ${received}, but ${other} is ${expected}`);
}

/** How media are prepared for an encoder, as its folder says. Throws `NotFoundError` where it does not. */
export function requirePreprocessor<T>(found: T | undefined, folder: ModelFolder): T {
  if (found !== undefined) return found;
  throw new NotFoundError({ what: "File", name: "preprocessor_config.json", where: folder.path }, { hint: "It says how a medium becomes what the encoder reads." });
}

/** As `tokenId`; undefined where the file names no token. */
export function optionalTokenId(place: ConfigPlace, names: readonly string[], vocabularySize: number): number | undefined {
  return names.every((name) => place.fields[name] === undefined) ? undefined : tokenId(place, names, vocabularySize);
}

/** A token id under the first of `names` that is there; fields were renamed from `…_token_index` to `…_token_id`. */
export function tokenId({ folder, fields, pointer }: ConfigPlace, names: readonly string[], vocabularySize: number): number {
  const name = names.find((candidate) => fields[candidate] !== undefined) ?? names.at(-1)!;
  const id = fields[name];
  if (typeof id === "number" && Number.isSafeInteger(id) && id >= 0 && id < vocabularySize) return id;
  return refuseField({ file: folder.configPath, pointer }, name, `a token id below ${vocabularySize} is expected`);
}
