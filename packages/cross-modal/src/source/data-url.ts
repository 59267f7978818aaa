import { InvalidFileError, UnsupportedError } from "@polywen/tensor";
import type { MediaBytes, ReadMediaOptions } from "./media-bytes.ts";
import { requireSize } from "./require-size.ts";

/** `data:[type][;base64],content`; a missing type, line breaks in the content and missing padding are all in order (WHATWG Fetch). */
export function readDataUrl(href: string, options: ReadMediaOptions): MediaBytes {
  const name = `the ${options.what} data URL`;
  const comma = href.indexOf(",");
  if (comma < 0) throw new InvalidFileError({ file: name, problem: "there is no comma before the content" });
  if (!/;\s*base64\s*$/i.test(href.slice(0, Math.min(comma, 1024)))) {
    throw new UnsupportedError({ feature: `${name}: content that is not base64` });
  }
  requireSize(Math.floor(((href.length - comma - 1) * 3) / 4), name, options.maxBytes);
  const base64 = percentDecoded(href.slice(comma + 1), name).replace(/[\t\n\f\r ]/g, "");
  const digits = base64.replace(/={1,2}$/, "");
  const paddingIsWrong = base64.length > digits.length && base64.length % 4 !== 0;
  if (paddingIsWrong || digits.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(digits)) {
    throw new InvalidFileError({ file: name, problem: "the content is not valid base64" });
  }
  return { bytes: Buffer.from(digits, "base64"), name };
}

function percentDecoded(text: string, name: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new InvalidFileError({ file: name, problem: "the content has a percent sign that encodes nothing" }, { cause: error });
  }
}
