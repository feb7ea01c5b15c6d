/** What counts as part of a word: Unicode letters and numbers; everything else separates. */
const WORDS = /[\p{Alphabetic}\p{N}]+/gu;
/** Words of this many UTF-8 bytes or more are not indexed. */
const TOO_LONG_BYTES = 32;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the class is ASCII as a whole
const ASCII = /^[\x00-\x7f]*$/;

/** The words of a text in order, lower-cased one character at a time; over-long words are left out, as Convex does. */
export function tokenize(text: string): string[] {
  const tokens: string[] = [];
  for (const [word] of text.matchAll(WORDS)) {
    if (ASCII.test(word)) {
      if (word.length < TOO_LONG_BYTES) tokens.push(word.toLowerCase());
    } else if (Buffer.byteLength(word, "utf8") < TOO_LONG_BYTES) {
      tokens.push([...word].map((char) => char.toLowerCase()).join(""));
    }
  }
  return tokens;
}

/** A text length in one byte: exact below 16 words, then the three bits after the leading one (at most 12.5% short). */
export function lengthCode(words: number): number {
  if (words < 8) return words;
  const exponent = 31 - Math.clz32(words);
  return ((exponent - 2) << 3) | ((words >>> (exponent - 3)) & 7);
}

/** The length that a code stands for: the least of those that share it. */
export function lengthOfCode(code: number): number {
  if (code < 8) return code;
  return (8 | (code & 7)) << ((code >>> 3) - 1);
}
