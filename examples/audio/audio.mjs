import { audio, loadModel } from "polywen";

const model = await loadModel("polywen/tiny");
const recording = new URL("../media/spoken-digit.wav", import.meta.url);
const { text, usage } = await model.generate([audio(recording), "Which digit is spoken?"]);
console.log(`${text} (${usage.mediaTokens} rows of sound)`);
await model.dispose();
