import type { MediumPiece } from "@polywen/cross-modal";

/** What a family writes around each step of a video. */
export interface StepTexts {
  readonly before: string;
  readonly after: string;
}

/**
 * The steps of a video as pieces of a prompt, each after its time: `<0.2 seconds>`, the mean of the times of its first and last
 * frame (`_calculate_timestamps` of Qwen3-VL's processor in transformers). A last step that is not full repeats its last frame.
 */
export function timedPieces(frames: number, framesPerStep: number, fps: number, grid: readonly [number, number, number], { before, after }: StepTexts): readonly MediumPiece[] {
  const [steps, height, width] = grid;
  const timeOf = (frame: number): number => Math.min(frame, frames - 1) / fps;
  return Array.from({ length: steps }, (_, step) => {
    const time = (timeOf(step * framesPerStep) + timeOf((step + 1) * framesPerStep - 1)) / 2;
    return { before: `<${oneDecimal(time)} seconds>${before}`, after, rows: height * width, grid: [1, height, width] };
  });
}

/** One decimal as Python's `.1f` writes it: of the exact value, halves to the even digit. Only odd quarters are halves of a tenth exactly. */
function oneDecimal(value: number): string {
  if (!Number.isInteger(value * 4) || Number.isInteger(value * 2)) return value.toFixed(1);
  const tenths = Math.floor(value * 10);
  return ((tenths + (tenths % 2)) / 10).toFixed(1);
}
