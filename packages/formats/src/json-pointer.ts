const longestPart = 80;

/**
 * A JSON pointer (RFC 6901) for error messages. Parts come from files: long ones are shortened and control characters are
 * written out, so that a message can neither fill a screen nor steer a terminal.
 */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${printable(String(part)).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** A name from a file, shortened and in quotes, for error messages. */
export function quoted(name: string): string {
  return `"${printable(name)}"`;
}

function printable(text: string): string {
  const short = text.length > longestPart ? `${text.slice(0, longestPart)}…` : text;
  return short.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
