import { InvalidArgumentError } from "@polywen/tensor";
import { dense, positiveInteger, type Connector, type ConnectorRun, type FeatureGrid } from "./connector.ts";

const INDICES = "connector.squares";
const ROWS = "connector.rows";

/**
 * Lays the features of every square of `factor` × `factor` patches side by side, from left to right and then down, and
 * brings them to the width of the text model by a linear layer: weights `connector.weight` [hidden size, factor² × width]
 * and `connector.bias`. The encoder must say how its features lie: height and width that `factor` divides.
 * `factor` 2 and 4 are usual (Shi et al., 2016; Idefics3).
 */
export function pixelShuffleConnector(options: { readonly factor: number }): Connector {
  const factor = positiveInteger("factor", options.factor);
  return {
    stack: factor ** 2,
    dimensions: [ROWS],
    prepare: (features) => prepareSquares(features, factor),
    build(builder, features, hiddenSize, _, capacities) {
      const rows = builder.dimension(ROWS, capacities[ROWS] ?? 1);
      return dense(builder, builder.gather(features, builder.input(INDICES, "i32", [rows, factor ** 2])), hiddenSize, "connector");
    },
  };
}

function prepareSquares({ rows, grid }: FeatureGrid, factor: number): ConnectorRun {
  const [frames, height, width] = grid ?? [1, 0, 0];
  if (frames * height * width !== rows || height % factor !== 0 || width % factor !== 0) {
    throw new InvalidArgumentError({ argument: "features", expected: `a grid of ${rows} features whose sides ${factor} divides`, received: grid?.join(" × ") });
  }
  const squares = new Int32Array(rows);
  let at = 0;
  for (let frame = 0; frame < frames; frame++) {
    for (let y = 0; y < height; y += factor) {
      for (let x = 0; x < width; x += factor) {
        for (let tap = 0; tap < factor ** 2; tap++) squares[at++] = (frame * height + y + Math.floor(tap / factor)) * width + x + (tap % factor);
      }
    }
  }
  const made = rows / factor ** 2;
  return { rows: made, grid: [frames, height / factor, width / factor], sizes: { [ROWS]: made }, inputs: { [INDICES]: squares } };
}
