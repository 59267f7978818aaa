import {
  AbortedError,
  DisposedError,
  IndexOutOfRangeError,
  InvalidArgumentError,
  InvalidFileError,
  NotFoundError,
  NumericalError,
  OutOfMemoryError,
  PolywenError,
  UnsupportedError,
} from "@polywen/tensor";
import type { NativeError } from "./addon-types.ts";

// Facts come from our own native code, which writes the fields that the class asks for.
const classes: Readonly<Record<string, new (facts: never) => PolywenError>> = {
  ARGUMENT_INVALID: InvalidArgumentError,
  DISPOSED: DisposedError,
  FILE_INVALID: InvalidFileError,
  INDEX_OUT_OF_RANGE: IndexOutOfRangeError,
  NOT_FOUND: NotFoundError,
  NUMERICAL: NumericalError,
  OUT_OF_MEMORY: OutOfMemoryError,
  UNSUPPORTED: UnsupportedError,
};

/** The class for an error of the addon. `operation` says what was asked for, `signal` why it may have been stopped. */
export function translateError(error: unknown, operation: string, signal?: AbortSignal): unknown {
  if (!isNativeError(error)) return error;
  if (error.code === "ABORTED") return new AbortedError({ operation }, { cause: signal?.reason });
  const ErrorClass = classes[error.code];
  return ErrorClass === undefined ? new PolywenError(error.code, `${operation} failed.`, { facts: error.facts }) : new ErrorClass(error.facts as never);
}

/** Calls native code that answers at once. */
export function callNative<T>(operation: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw translateError(error, operation);
  }
}

function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && "code" in error && "facts" in error && !PolywenError.isInstance(error);
}
