import { describe, expect, test } from "vitest";
import { bingxOrigin, sourceNameOf } from "./sourceName";

describe("the exchange that bars are read from", () => {
  test("only the live BingX host over https is called bingx", () => {
    expect(sourceNameOf("https://open-api.bingx.com")).toBe("bingx");
    for (const other of [
      "http://open-api.bingx.com",
      "https://open-api-vst.bingx.com",
      "http://127.0.0.1:3410",
    ]) {
      expect(sourceNameOf(other)).toBe("simulated");
    }
  });

  test("no variable means the live host; loopback and demo are accepted as they stand", () => {
    expect(bingxOrigin(undefined)).toEqual({ ok: true, value: "https://open-api.bingx.com" });
    expect(bingxOrigin("")).toEqual({ ok: true, value: "https://open-api.bingx.com" });
    expect(bingxOrigin("http://127.0.0.1:3410/")).toEqual({ ok: true, value: "http://127.0.0.1:3410" });
    expect(bingxOrigin("https://open-api-vst.bingx.com").ok).toBe(true);
  });

  test.each([
    "nonsense",
    "http://open-api.bingx.com",
    "https://open-api.bingx.com.evil.example",
    "https://user:pass@open-api.bingx.com",
    "https://open-api.bingx.com/path",
    "http://10.0.0.5:3410",
    "file:///etc/passwd",
  ])("refuses %s and names the variable", (url) => {
    const result = bingxOrigin(url);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.error).toContain("BINGX_BASE_URL");
  });
});
