// Asks the embedded model about a picture and a recording: those that come with the examples, or your own.
//   npm run demo
//   npm run demo -- --image photo.png --audio clip.wav "What is this?"
import { parseArgs } from "node:util";
import { audio, image, loadModel, PolywenError } from "polywen";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { image: { type: "string", multiple: true, default: [] }, audio: { type: "string", multiple: true, default: [] }, backend: { type: "string", default: "auto" } },
});

const sample = (/** @type {string} */ name) => new URL(`../media/${name}`, import.meta.url);
const tour = [
  { about: "a written digit", media: [image(sample("digit.png"))], question: "What digit is this?" },
  { about: "a spoken digit", media: [audio(sample("spoken-digit.wav"))], question: "Which digit do you hear?" },
  { about: "both", media: [image(sample("digit.png")), audio(sample("spoken-digit.wav"))], question: "Is the spoken digit the written one?" },
  { about: "another recording", media: [image(sample("digit.png")), audio(sample("other-digit.wav"))], question: "Is the spoken digit the written one?" },
  { about: "a scene", media: [image(sample("scene.png"))], question: "How many shapes are there?" },
  { about: "the same scene", media: [image(sample("scene.png"))], question: "What is on the left?" },
  { about: "a blank picture", media: [image(sample("blank.png"))], question: "What digit is this?" },
];

const own = [...values.image.map((path) => image(path)), ...values.audio.map((path) => audio(path))];
const questions = own.length > 0 || positionals.length > 0 ? [{ about: "your input", media: own, question: positionals.join(" ") || "What is this?" }] : tour;

/** Asks all questions, streaming the answers. */
async function ask() {
  const model = await loadModel("polywen/tiny", { backend: /** @type {import("polywen").BackendName} */ (values.backend) });
  const { backend, device, warnings } = model.info;
  for (const warning of warnings) console.error(warning);
  console.log(`polywen/tiny on the ${backend} backend (${device.description}, ${device.threads} thread${device.threads === 1 ? "" : "s"})\n`);

  for (const { about, media, question } of questions) {
    process.stdout.write(`[${about}] ${question}\n  → `);
    const reply = model.generate([...media, question], { maxTokens: 60 });
    for await (const part of reply) process.stdout.write(part.text);
    const { timings } = await reply;
    process.stdout.write(`  (${Math.round(timings.firstTokenMs)} ms to the first token)\n`);
  }
  await model.dispose();
}

await ask().catch((error) => {
  if (!PolywenError.isInstance(error)) throw error;
  console.error(`\n${error.message}${error.hint === undefined ? "" : `\n${error.hint}`}`);
  process.exitCode = 1;
});
