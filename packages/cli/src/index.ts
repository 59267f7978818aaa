export { createProgram } from "./create-program.ts";
export { exitCodeOf } from "./exit-code.ts";
export { runProgram } from "./run-program.ts";
