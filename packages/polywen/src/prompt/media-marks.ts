import { randomBytes } from "node:crypto";
import type { TextSegment } from "@polywen/tokenizer";

/** A rendered prompt cut at its media: pieces of text with the number of a medium between each two. */
export interface MarkedText {
  readonly texts: readonly (readonly TextSegment[])[];
  /** Numbers of the media between the texts, in the order of the rendered prompt. */
  readonly media: readonly number[];
}

/**
 * Stand-ins for media while a chat template is rendered: private-use characters around a random word that no user
 * can guess, so that every template, whatever it knows of media, keeps them in their place.
 */
export class MediaMarks {
  readonly #nonce = randomBytes(12).toString("hex");

  /** The stand-in of medium `index`. */
  mark(index: number): string {
    return `\u{F0000}${this.#nonce}:${index}\u{F0001}`;
  }

  /** Cuts rendered segments at the stand-ins. */
  split(segments: readonly TextSegment[]): MarkedText {
    const pattern = new RegExp(`\u{F0000}${this.#nonce}:(\\d+)\u{F0001}`, "u");
    const texts: TextSegment[][] = [[]];
    const media: number[] = [];
    for (const { text, trusted } of segments) {
      text.split(pattern).forEach((piece, index) => {
        if (index % 2 === 0) texts.at(-1)!.push({ text: piece, trusted });
        else {
          media.push(Number(piece));
          texts.push([]);
        }
      });
    }
    return { texts, media };
  }
}
