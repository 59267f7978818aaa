import { audio, image, loadModel } from "polywen";

const model = await loadModel("polywen/tiny");
const picture = new URL("../media/digit.png", import.meta.url);
for (const recording of ["spoken-digit.wav", "other-digit.wav"]) {
  const sound = new URL(`../media/${recording}`, import.meta.url);
  const { text } = await model.generate([image(picture), audio(sound), "Is the spoken digit the written one?"]);
  console.log(`${recording}: ${text}`);
}
await model.dispose();
