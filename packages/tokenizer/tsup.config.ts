import { packageConfig } from "../../tsup.base.ts";

// The second entry is the program of the process that renders chat templates.
export default packageConfig(["src/index.ts", "src/chat-template-child.ts"]);
