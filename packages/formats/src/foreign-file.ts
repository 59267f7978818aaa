/** What a file is instead of the expected format, and what to do about it. */
export interface ForeignFile {
  readonly what: string;
  readonly hint: string;
  /** A pickle is refused on principle rather than as a broken file. */
  readonly pickle: boolean;
}

interface Signature extends ForeignFile {
  readonly matches: (start: Buffer) => boolean;
}

const pickleHint =
  "Opening a pickle can run any program it contains, so Polywen never does. Use the safetensors files of the model, or convert it with save_pretrained of transformers.";

const signatures: readonly Signature[] = [
  {
    what: "a Git LFS pointer",
    hint: "The file itself was not downloaded: run `git lfs pull` in the model's folder, or download the model again.",
    pickle: false,
    matches: (start) => start.toString("latin1").startsWith("version https://git-lfs.github.com/"),
  },
  {
    what: "an HTML page",
    hint: "A server answered with a web page (an error or a login) instead of the file: download it again.",
    pickle: false,
    matches: (start) => /^\s*<(!doctype|html|head|\?xml)/i.test(start.toString("latin1")),
  },
  { what: "a GGUF file", hint: "Give it the ending .gguf.", pickle: false, matches: (start) => start.toString("latin1", 0, 4) === "GGUF" },
  // torch.save writes a zip archive around a pickle; before version 1.6 it wrote pickles of protocol 2 back to back.
  { what: "a zip archive, as PyTorch writes around pickles", hint: pickleHint, pickle: true, matches: (start) => start.toString("latin1", 0, 4) === "PK\x03\x04" },
  { what: "a Python pickle", hint: pickleHint, pickle: true, matches: (start) => start[0] === 0x80 && start[1] !== undefined && start[1] >= 2 && start[1] <= 5 },
];

/** How many bytes from the start `recogniseForeignFile` looks at. */
export const signatureLength = 256;

/** Recognises what often lies where a model file should be, by its first bytes. */
export function recogniseForeignFile(bytes: Buffer): ForeignFile | undefined {
  const start = bytes.subarray(0, signatureLength);
  return signatures.find((signature) => signature.matches(start));
}
