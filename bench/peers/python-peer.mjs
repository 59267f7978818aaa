/** A peer in Python: a script that reads a JSON request a line and answers with a JSON line; the first line tells its versions. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The asking side. */
export class PythonPeer {
  /**
   * @param {string} python
   * @param {string} script Its name in `bench/`.
   * @param {readonly string[]} settings
   */
  constructor(python, script, settings) {
    this.script = script;
    this.process = spawn(python, [fileURLToPath(new URL(`../${script}`, import.meta.url)), ...settings], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async receive() {
    const { done, value } = await this.lines.next();
    if (done) {
      console.error(`${this.script} ended before it answered; see its message above.`);
      process.exit(1);
    }
    return JSON.parse(value);
  }

  /** @param {object} request */
  ask(request) {
    this.process.stdin.write(`${JSON.stringify(request)}\n`);
    return this.receive();
  }

  close() {
    this.process.stdin.end();
  }
}
