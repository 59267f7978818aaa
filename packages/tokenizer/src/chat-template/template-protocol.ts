/** Longest source of a template in UTF-16 units. */
export const templateSourceLimit: number = 2 ** 20;
/** Most text in UTF-16 units that a template may add to what its messages hold. */
export const templateOutputLimit: number = 2 ** 21;
/** Time for one rendering in milliseconds. */
export const templateTimeLimit: number = 1000;
/** Heap of the process that renders, in MiB. */
export const templateMemoryLimit: number = 128;

/** What the parent sends: one rendering. */
export interface RenderRequest {
  readonly template: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly outputLimit: number;
}

/** What the child answers. It says `ready` once, before the first request. */
export type RenderAnswer =
  | { readonly kind: "ready" }
  | { readonly kind: "output"; readonly output: string }
  | { readonly kind: "invalid" | "limit"; readonly problem: string; readonly limit?: number; readonly unit?: string };
