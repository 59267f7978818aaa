/** Of the cubic convolution that PyTorch interpolates with (Keys, 1981). */
const A = -0.75;

/**
 * How a table of learned positions of `side` × `side` patches becomes one of `height` × `width`: row `p + 1` of the result,
 * [1 + height × width, 1 + side²], holds the weights of the table's rows for patch `p`, as bicubic interpolation with aligned
 * areas has them; row 0 takes the class token's row, number 0 of the table.
 */
export function positionWeights(side: number, height: number, width: number): Float32Array {
  const columns = 1 + side ** 2;
  const weights = new Float32Array((1 + height * width) * columns);
  weights[0] = 1;
  const [vertical, horizontal] = [axisTaps(side, height), axisTaps(side, width)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const first = (1 + y * width + x) * columns + 1;
      for (const [row, ofRow] of vertical[y]!) for (const [column, ofColumn] of horizontal[x]!) weights[first + row * side + column]! += ofRow * ofColumn;
    }
  }
  return weights;
}

/** For every place of an axis the places that it is made from, with their weights. Those beyond an end are the end's own. */
function axisTaps(from: number, to: number): readonly (readonly (readonly [number, number])[])[] {
  return Array.from({ length: to }, (_, place) => {
    if (from === to) return [[place, 1]] as const;
    const center = ((place + 0.5) * from) / to - 0.5;
    const first = Math.floor(center) - 1;
    return Array.from({ length: 4 }, (_, tap) => [Math.min(Math.max(first + tap, 0), from - 1), cubic(center - first - tap)] as const);
  });
}

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x <= 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
  return x < 2 ? ((A * x - 5 * A) * x + 8 * A) * x - 4 * A : 0;
}
