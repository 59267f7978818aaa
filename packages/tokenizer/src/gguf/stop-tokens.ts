import { type GgufTokenizerDescription, tokensOfType, tokenTypes } from "./gguf-description.ts";

/** Control tokens that end a turn or a text in published models; llama.cpp goes by the same texts. */
const terminators: readonly string[] = [
  "<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]",
  "<|end_of_text|>", "<end_of_utterance>", "<eos>", "<\uff5cend\u2581of\u2581sentence\uff5c>",
  // Between files and repositories in models of code: padding, the name of a repository, the name of a file.
  "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
];

/** Ids, ascending, of the tokens after which generation ends: those that the file gives that role, and known ones. */
export function ggufStopTokens({ ids, ...tokens }: Pick<GgufTokenizerDescription, "tokens" | "types" | "ids">): number[] {
  const stops = new Set([ids.eos, ids.eot, ids.eom, ids.fimPad, ids.fimRepository, ids.fimSeparator].filter((id) => id !== undefined));
  const known = new Set(terminators);
  // The text of an ordinary token, such as `</s>` in a model of HTML, is just text.
  for (const [id, token] of tokensOfType(tokens, tokenTypes.control, tokenTypes.userDefined)) if (known.has(token)) stops.add(id);
  return [...stops].sort((left, right) => left - right);
}
