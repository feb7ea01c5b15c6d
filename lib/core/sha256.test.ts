import { describe, expect, it } from "vitest";
import { createSha256, sha256Hex } from "./sha256";

describe("sha256", () => {
  it("gives the FIPS 180-4 example digests", () => {
    expect(sha256Hex("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("hashes a stream of parts like the parts joined, strings as UTF-8", () => {
    const parts = createSha256()
      .update("go")
      .update(new Uint8Array([0x6c]))
      .update("d €");
    expect(parts.digestHex()).toBe(sha256Hex("gold €"));
  });
});
