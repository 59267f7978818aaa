import { throwIfAborted } from "@polywen/tensor";
import type { NativeAddon, NativeControl } from "./addon-types.ts";
import { translateError } from "./native-error.ts";

/** Runs a native job that `signal` can stop; its errors become classes. */
export async function withControl<T>(addon: NativeAddon, operation: string, signal: AbortSignal | undefined, job: (control: NativeControl) => Promise<T>): Promise<T> {
  throwIfAborted(signal, operation);
  const control = new addon.Control();
  const abort = (): void => control.abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await job(control);
  } catch (error) {
    throw translateError(error, operation, signal);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
