/** A stretch of mel frames that is encoded on its own: its ends are padded with zeros, and attention stays inside. */
export interface Piece {
  /** Mel frames. */
  readonly frames: number;
  /** Steps that the second convolution, of stride 2, makes of them: `ceil(frames / 2)`, or fewer where the last ones are not wanted. */
  readonly steps: number;
}

/** How the frames of a clip go through the encoder: index lists for its gathers and spans for its attention. */
export interface EncoderPlan {
  /** [frames, 3]: taps of the first convolution, stride 1. -1 is padding. */
  readonly firstTaps: Int32Array;
  /** [steps, 3]: taps of the second convolution, stride 2. */
  readonly secondTaps: Int32Array;
  /** [steps]: place of a step in its piece; positions start anew in every piece. */
  readonly stepPositions: Int32Array;
  /** [steps, 2]: the steps of its piece. */
  readonly spans: Int32Array;
}

/** Steps of the second convolution for a number of frames, as published code counts them. */
export function stepsOf(frames: number): number {
  return Math.floor((frames - 1) / 2) + 1;
}

/** Plans both convolutions and attention for pieces that follow each other. */
export function planPieces(pieces: readonly Piece[]): EncoderPlan {
  const total = (count: (piece: Piece) => number): number => pieces.reduce((sum, piece) => sum + count(piece), 0);
  const steps = total((piece) => piece.steps);
  const firstTaps = new Int32Array(total((piece) => piece.frames) * 3);
  const secondTaps = new Int32Array(steps * 3);
  const stepPositions = new Int32Array(steps);
  const spans = new Int32Array(steps * 2);
  let [begin, step] = [0, 0];
  for (const piece of pieces) {
    const tap = (frame: number): number => (frame < 0 || frame >= piece.frames ? -1 : begin + frame);
    for (let frame = 0; frame < piece.frames; frame++) firstTaps.set([tap(frame - 1), tap(frame), tap(frame + 1)], (begin + frame) * 3);
    const first = step;
    for (let place = 0; place < piece.steps; place++, step++) {
      secondTaps.set([tap(2 * place - 1), tap(2 * place), tap(2 * place + 1)], step * 3);
      stepPositions[step] = place;
      spans.set([first, first + piece.steps], step * 2);
    }
    begin += piece.frames;
  }
  return { firstTaps, secondTaps, stepPositions, spans };
}

/** [tokens, 2]: the two steps whose mean is a token; an odd last step is dropped. */
export function pooledPairs(steps: number): Int32Array {
  return Int32Array.from({ length: 2 * Math.floor(steps / 2) }, (_, index) => index);
}
