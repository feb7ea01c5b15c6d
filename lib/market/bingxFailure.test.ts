import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classifyBingxError, redactExchangeText } from "./bingxFailure";

describe("errors of exchange reads", () => {
  test("S-10: a signed URL leaves neither its signature nor its parameters in the text", () => {
    const text =
      "bingx GET https://open-api.bingx.com/openApi/swap/v2/user/balance?recvWindow=5000&timestamp=1&signature=abc123 request timed out (10000 ms)";
    const redacted = redactExchangeText(text);
    expect(redacted).not.toContain("abc123");
    expect(redacted).not.toContain("recvWindow");
    expect(redacted).toContain("/openApi/swap/v2/user/balance");
  });

  test("S-10: no secret survives wherever it stands in a header, a JSON field or a URL", () => {
    const secret = fc.string({ unit: fc.constantFrom(..."ABCdef0123456789"), minLength: 8, maxLength: 80 });
    const carriers = [
      (s: string) => `{"apiKey":"${s}","x":1}`,
      (s: string) => `X-BX-APIKEY: ${s}`,
      (s: string) => `https://host/path?a=1&signature=${s}`,
      (s: string) => `secret=${s}`,
      (s: string) => `listenKey=${s}&x=1`,
    ];
    fc.assert(
      fc.property(secret, fc.constantFrom(...carriers), (s, carrier) => {
        expect(redactExchangeText(carrier(s))).not.toContain(s);
      }),
    );
  });

  test("X-02: a rate limit in the body is rateLimited, with the time the exchange named", () => {
    const text = 'bingx {"code":100410,"msg":"code:100410: disabled period, unblocked after 1795168800000"}';
    expect(classifyBingxError("OperationFailed", text)).toMatchObject({
      kind: "rateLimited",
      unblockAtMs: 1795168800000,
    });
  });

  test.each([
    ["RateLimitExceeded", "429 Too Many Requests", "rateLimited"],
    ["RequestTimeout", "timed out", "timeout"],
    ["BadResponse", "HTTP 200 with 0 characters", "badPayload"],
    ["ExchangeError", 'bingx {"code":109400,"msg":"symbol not exist"}', "refused"],
    ["NetworkError", "fetch failed", "network"],
    ["ExchangeNotAvailable", "503 Service Unavailable", "network"],
    ["TypeError", "x is not a function", "unknown"],
  ])("%s with %s is %s", (name, text, kind) => {
    expect(classifyBingxError(name, text).kind).toBe(kind);
  });
});
