/** JSON of exchanges, whose ids may be numbers that floating point cannot hold. */

/** Texts, which are passed over, and numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parse JSON; a whole number that floating point cannot hold becomes the text of its digits. */
export function parseExactly(text: string): unknown {
  return JSON.parse(
    text.replace(TOKEN, (token) => (/^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${token}"` : token)),
  );
}
