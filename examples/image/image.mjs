import { image, loadModel } from "polywen";

const model = await loadModel("polywen/tiny");
const picture = new URL("../media/scene.png", import.meta.url);
for (const question of ["How many shapes are there?", "What is on the left?"]) {
  const { text } = await model.generate([image(picture), question]);
  console.log(`${question} ${text}`);
}
await model.dispose();
