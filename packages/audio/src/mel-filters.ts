/** Triangular filters in rows, with the part of each row that is not zero. */
export interface MelFilters {
  /** `[mels, bins]`. */
  readonly weights: Float32Array;
  readonly bins: number;
  /** First bin of each filter, and the bin after its last. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

const topFrequency = 8000;
const breakFrequency = 1000;
const breakMel = 15;
const melsPerNeper = 27 / Math.log(6.4);

/**
 * Filters on the mel scale of Slaney's Auditory Toolbox (linear up to 1 kHz, logarithmic above), each with the area of its band, from
 * 0 to 8 kHz: what `librosa.filters.mel` and transformers' `mel_filter_bank(norm="slaney", mel_scale="slaney")` give. Computed in
 * float64, kept in float32.
 */
export function melFilters(mels: number, fftSize: number, samplingRate: number): MelFilters {
  const bins = fftSize / 2 + 1;
  const edges = Float64Array.from({ length: mels + 2 }, (_, index) => frequencyOf((melOf(topFrequency) * index) / (mels + 1)));
  const weights = new Float32Array(mels * bins);
  const starts = new Int32Array(mels);
  const ends = new Int32Array(mels);
  for (let mel = 0; mel < mels; mel++) {
    const [low, center, high] = [edges[mel]!, edges[mel + 1]!, edges[mel + 2]!];
    for (let bin = 0; bin < bins; bin++) {
      const frequency = (bin * samplingRate) / fftSize;
      const height = Math.min((frequency - low) / (center - low), (high - frequency) / (high - center));
      if (height <= 0) continue;
      if (ends[mel] === 0) starts[mel] = bin;
      ends[mel] = bin + 1;
      weights[mel * bins + bin] = (height * 2) / (high - low);
    }
  }
  return { weights, bins, starts, ends };
}

function melOf(frequency: number): number {
  return frequency < breakFrequency ? (3 * frequency) / 200 : breakMel + melsPerNeper * Math.log(frequency / breakFrequency);
}

function frequencyOf(mel: number): number {
  return mel < breakMel ? (200 * mel) / 3 : breakFrequency * Math.exp((mel - breakMel) / melsPerNeper);
}
