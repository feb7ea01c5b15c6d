import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** SHA-256 as 64 lower-case hex digits; a string is hashed as its UTF-8 bytes. */
export function sha256Hex(input: string | Uint8Array): string {
  return bytesToHex(sha256(typeof input === "string" ? utf8ToBytes(input) : input));
}

export interface Sha256 {
  /** Adds bytes (a string as UTF-8); returns itself. Must not be called after `digestHex`. */
  update(input: string | Uint8Array): Sha256;
  /** Ends the hash and returns 64 lower-case hex digits; may be called once. */
  digestHex(): string;
}

/** Hash of a stream of parts; equals `sha256Hex` of the parts joined. */
export function createSha256(): Sha256 {
  const hash = sha256.create();
  const self: Sha256 = {
    update(input) {
      hash.update(typeof input === "string" ? utf8ToBytes(input) : input);
      return self;
    },
    digestHex: () => bytesToHex(hash.digest()),
  };
  return self;
}
