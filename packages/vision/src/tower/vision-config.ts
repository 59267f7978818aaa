import { z } from "zod";
import { InvalidFileError } from "@polywen/tensor";

/** The sizes that every vision tower of the Qwen line has. */
export interface VisionConfig {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly intermediateSize: number;
  /** Width of the text model. */
  readonly outputWidth: number;
  readonly channels: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Frames in a patch. */
  readonly temporalPatchSize: number;
  /** Patches along one side of the square that becomes one row. */
  readonly mergeSize: number;
}

/** Where `vision_config` stands, for errors. */
export interface VisionPlace {
  readonly file: string;
  readonly pointer: readonly string[];
}

/** A positive integer up to a limit that refuses a configuration before anything is allocated from it. */
export function towerSize(limit: number): z.ZodInt {
  return z.int().min(1).max(limit);
}

interface CommonFields {
  readonly num_heads: z.ZodDefault<z.ZodInt>;
  readonly in_channels: z.ZodOptional<z.ZodLiteral<3>>;
  readonly in_chans: z.ZodOptional<z.ZodLiteral<3>>;
  readonly patch_size: z.ZodDefault<z.ZodInt>;
  readonly temporal_patch_size: z.ZodDefault<z.ZodInt>;
  readonly spatial_merge_size: z.ZodDefault<z.ZodInt>;
}

/** Fields that all towers spell alike; the default of `patch_size` is the family's. */
export function commonFields(patchSize: number): CommonFields {
  return {
    num_heads: towerSize(1024).default(16),
    in_channels: z.literal(3).optional(),
    in_chans: z.literal(3).optional(),
    patch_size: towerSize(256).default(patchSize),
    temporal_patch_size: towerSize(8).default(2),
    spatial_merge_size: towerSize(8).default(2),
  };
}

/** Throws `InvalidFileError` for a field that no schema can judge alone. */
export function refuseVisionField({ file, pointer }: VisionPlace, field: string, problem: string): never {
  throw new InvalidFileError({ file, problem, pointer: `/${[...pointer, field].join("/")}` });
}

/** Rotary positions have two axes, each of which turns pairs: a head's width must be a multiple of 4. */
export function requireHeads(place: VisionPlace, width: number, heads: number): void {
  if (width % (4 * heads) !== 0) refuseVisionField(place, "num_heads", `${width} values cannot be shared by ${heads} heads whose width is a multiple of 4`);
}
