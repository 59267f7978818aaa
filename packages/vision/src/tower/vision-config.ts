import { z } from "zod";
import { refuseField, sizeSchema, type ConfigFields } from "@polywen/formats";

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
    num_heads: sizeSchema(1024).default(16),
    in_channels: z.literal(3).optional(),
    in_chans: z.literal(3).optional(),
    patch_size: sizeSchema(256).default(patchSize),
    temporal_patch_size: sizeSchema(8).default(2),
    spatial_merge_size: sizeSchema(8).default(2),
  };
}

/** What all towers read from them. */
export function commonSizes(fields: Readonly<Record<"depth" | "num_heads" | "patch_size" | "temporal_patch_size" | "spatial_merge_size", number>>): Pick<VisionConfig, "layers" | "heads" | "channels" | "patchSize" | "temporalPatchSize" | "mergeSize"> {
  return {
    layers: fields.depth,
    heads: fields.num_heads,
    channels: 3,
    patchSize: fields.patch_size,
    temporalPatchSize: fields.temporal_patch_size,
    mergeSize: fields.spatial_merge_size,
  };
}

/** Rotary positions have two axes, each of which turns pairs: a head's width must be a multiple of 4. */
export function requireHeads(place: ConfigFields, width: number, heads: number): void {
  if (width % (4 * heads) !== 0) refuseField(place, "num_heads", `${width} values cannot be shared by ${heads} heads whose width is a multiple of 4`);
}
