/**
 * Compares Polywen's tokens with llama.cpp's, on any GGUF files and texts. Build the packages first; node-llama-cpp is not a dependency
 * of this repository: install it anywhere (`npm i node-llama-cpp@3.22.1`) and give that folder.
 *
 *     node compare-tokenization.mjs LLAMA_FOLDER --text FILE… --model FILE.gguf…
 *
 * Texts are cut into pieces, to which texts made of nasty parts are added. Of every piece the ids are compared with and without control
 * tokens, and of every model the tokens that end generation. Prints one line of JSON a model; exit status 1 if anything differs.
 *
 * One difference is meant: llama.cpp takes an ordinary token that spells a known end, such as `</s>` in Qwen's vocabulary, for a control
 * token. Such tokens are listed as `llamaOnlyEnds`, and texts that spell one are compared without control tokens only.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { readGgufHeader } from "@polywen/formats";
import { Tokenizer } from "@polywen/tokenizer";

const [llamaFolder = "", ...rest] = process.argv.slice(2);
/** What follows `name` up to the next option. @param {string} name */
function option(name) {
  const start = rest.indexOf(name) + 1;
  if (start === 0) return [];
  const end = rest.findIndex((part, index) => index >= start && part.startsWith("--"));
  return rest.slice(start, end < 0 ? undefined : end);
}

const nastyParts = [
  " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\t\t", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", "\u200d", "\ufeff", "\v", "\f", "'s", "'LL", "'re", "\u2019t", "''", "1", "42", "007", "123456789", "3.14", "\u0661\u0662",
  "\u00bd", "\u2167", "the", " The", "ing", "HELLO", "camelCase", "snake_case", "XMLHttpRequest", "\u00e9", "e\u0301", "\u00df", "\u0416\u0436", "\u6f22\u5b57", "\u4eca\u5929\u5929\u6c14\u5f88\u597d", "\u3042\u30ab", "\ud55c\uad6d\uc5b4", "\u0928\u093f", "\u0e01\u0e33", "\u0645\u0631\u062d\u0628\u0627",
  "\ud83d\ude00", "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67", "\ud83c\udde9\ud83c\uddea", "\ud83d\udc4d\ud83c\udffd", "\ufffd", "\u2581", "\u2581\u2581", "!", "?!", "...", "----", "=====", "_", "<", "|", ">", "{}", "[0]", "();", "//", "\\n", "$", "+", "^", "~", "`", "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<s>", "</s>", "<unk>",
  "<0x0A>", "[INST]", "<think>", "\u01c5", "\u0130", "\ue000", "\u{10ffff}", "\u{1d4b3}", "\u{2f80a}",
];

/** @param {number} count */
function nastyTexts(count) {
  let state = 1;
  const random = (/** @type {number} */ bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
  return Array.from({ length: count }, () => Array.from({ length: 1 + random(16) }, () => nastyParts[random(nastyParts.length)]).join(""));
}

/** Pieces of about 2,000 characters, cut anywhere but inside a surrogate pair. @param {string} text */
const cut = (text) => text.match(/[^]{1,2000}/gu) ?? [];

const texts = [...option("--text").flatMap((path) => cut(readFileSync(path, "utf8"))), ...nastyTexts(3000), "", " ", "a".repeat(3000), " ".repeat(3000)];
const { getLlama } = await import(pathToFileURL(createRequire(join(resolve(llamaFolder), "x.js")).resolve("node-llama-cpp")).href);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });

/** @param {string} path */
async function compare(path) {
  const { metadata } = await readGgufHeader(path);
  const ours = Tokenizer.fromGguf(metadata, path);
  const theirs = await llama.loadModel({ modelPath: path, vocabOnly: true, gpuLayers: 0 });
  const result = { model: path, pre: metadata.get("tokenizer.ggml.pre"), bytes: 0, tokens: 0, texts: texts.length, different: 0, examples: /** @type {unknown[]} */ ([]) };
  const ends = Array.from({ length: ours.vocabularySize }, (_, id) => id).filter((id) => theirs.isEogToken(id));
  const llamaOnlyEnds = ends.filter((id) => !ours.stopTokens.includes(id)).map((id) => ours.idToToken(id) ?? "");
  for (const text of texts) {
    for (const special of llamaOnlyEnds.some((end) => text.includes(end)) ? [false] : [true, false]) {
      const expected = theirs.tokenize(text, special);
      const received = ours.encode(text, { special });
      result.bytes += Buffer.byteLength(text);
      result.tokens += expected.length;
      if (expected.join() === received.join()) continue;
      result.different += 1;
      const at = received.findIndex((/** @type {number} */ id, /** @type {number} */ index) => id !== expected[index]);
      const around = (/** @type {number[]} */ ids) => ids.slice(Math.max(0, at - 2), at + 5).map((id) => ours.idToToken(id));
      if (result.examples.length < 5) result.examples.push({ special, text: text.slice(0, 100), expected: around(expected), received: around(received) });
    }
  }
  process.stdout.write(`${JSON.stringify({ ...result, ends: ours.stopTokens, llamaOnlyEnds })}\n`);
  await theirs.dispose();
  return result.different === 0 && ours.stopTokens.every((id) => ends.includes(id));
}

let same = true;
for (const path of option("--model")) same = (await compare(path)) && same;
process.exit(same ? 0 : 1);
