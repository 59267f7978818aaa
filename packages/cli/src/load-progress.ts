/** A line on stderr that says how much of the weights has been read, and goes away afterwards. */
export class LoadProgress {
  readonly #enabled: boolean;
  #shown = "";

  /** @param enabled False on anything but a terminal. */
  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  readonly update = (done: number, total: number): void => {
    const line = `Loading ${total === 0 ? 100 : Math.floor((100 * done) / total)} %`;
    if (!this.#enabled || line === this.#shown) return;
    process.stderr.write(`\r${line}`);
    this.#shown = line;
  };

  clear(): void {
    if (this.#shown !== "") process.stderr.write(`\r${" ".repeat(this.#shown.length)}\r`);
    this.#shown = "";
  }
}
