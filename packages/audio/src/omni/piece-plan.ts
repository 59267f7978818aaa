/** How the frames of a clip go through the tower: index lists for its gathers and spans for its attention. */
export interface PiecePlan {
  /** [frames, 3]: taps of the first convolution, stride 1. -1 is padding. */
  readonly firstTaps: Int32Array;
  /** [steps, 3]: taps of the second convolution, stride 2. */
  readonly secondTaps: Int32Array;
  /** [steps]: place of a step in its piece; positions start anew in every piece. */
  readonly stepPositions: Int32Array;
  /** [steps, 2]: the steps of its piece. */
  readonly spans: Int32Array;
  /** [tokens, 2]: the two steps whose mean is a token; an odd last step is dropped. */
  readonly pooled: Int32Array;
}

/** Cuts `frames` mel frames into pieces of `pieceFrames` and plans both convolutions, attention and pooling. */
export function planPieces(frames: number, pieceFrames: number): PiecePlan {
  const pieces = Array.from({ length: Math.ceil(frames / pieceFrames) }, (_, index) => ({
    begin: index * pieceFrames,
    length: Math.min(pieceFrames, frames - index * pieceFrames),
  }));
  const stepsOf = (length: number): number => Math.floor((length - 1) / 2) + 1;
  const steps = pieces.reduce((sum, { length }) => sum + stepsOf(length), 0);
  const firstTaps = new Int32Array(frames * 3);
  const secondTaps = new Int32Array(steps * 3);
  const stepPositions = new Int32Array(steps);
  const spans = new Int32Array(steps * 2);
  let step = 0;
  for (const { begin, length } of pieces) {
    const tap = (frame: number): number => (frame < 0 || frame >= length ? -1 : begin + frame);
    for (let frame = 0; frame < length; frame++) firstTaps.set([tap(frame - 1), tap(frame), tap(frame + 1)], (begin + frame) * 3);
    const first = step;
    for (let place = 0; place < stepsOf(length); place++, step++) {
      secondTaps.set([tap(2 * place - 1), tap(2 * place), tap(2 * place + 1)], step * 3);
      stepPositions[step] = place;
      spans.set([first, first + stepsOf(length)], step * 2);
    }
  }
  return { firstTaps, secondTaps, stepPositions, spans, pooled: Int32Array.from({ length: 2 * Math.floor(steps / 2) }, (_, index) => index) };
}
