import { BackendLoadError, createReferenceBackend, InvalidArgumentError, PolywenError, type Backend } from "@polywen/tensor";

/** Which backend runs a model: the fastest that works (`auto`), or one by name and no other. */
export type BackendName = "auto" | "cpu" | "reference";

/** How the native backend multiplies quantised weights: with inputs rounded to eight bits, or as they are. */
export type Activations = "int8" | "f32";

/** A backend, and what a user should know about the choice. */
export interface SelectedBackend {
  readonly backend: Backend;
  /** Set when `auto` had to fall back: why, in one paragraph. */
  readonly warning: string | undefined;
}

/** The only place that names backend packages. A forced backend that cannot load throws `BackendLoadError`. */
export async function selectBackend(name: BackendName, options: { readonly threads?: number | undefined; readonly activations?: Activations | undefined } = {}): Promise<SelectedBackend> {
  if (name === "reference") return { backend: createReferenceBackend(), warning: undefined };
  if (name !== "auto" && name !== "cpu") throw new InvalidArgumentError({ argument: "backend", expected: '"auto", "cpu" or "reference"', received: name });
  try {
    const { createCpuBackend } = await import("@polywen/cpu-kernels");
    return { backend: await createCpuBackend(options), warning: undefined };
  } catch (error) {
    if (name === "cpu" || !(PolywenError.isInstance(error) && error.code === new BackendLoadError({ backend: "cpu", candidates: [] }).code)) throw error;
    const hint = error.hint === undefined ? "" : ` ${error.hint}`;
    return { backend: createReferenceBackend(), warning: `Running on the reference backend, which is slow: the native one could not be loaded.${hint}` };
  }
}

/** The backend that options of `loadModel` ask for, and whether it must be disposed of with what uses it. */
export async function openBackend(options: { readonly backend?: BackendName | Backend; readonly threads?: number | undefined; readonly activations?: Activations | undefined }): Promise<SelectedBackend & { readonly ownsBackend: boolean }> {
  const { backend = "auto" } = options;
  if (typeof backend !== "string") return { backend, ownsBackend: false, warning: undefined };
  return { ...(await selectBackend(backend, options)), ownsBackend: true };
}
