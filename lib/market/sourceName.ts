import { err, ok, type Result } from "../core/result";

/** Where stored bars came from when an exchange served them. */
export type ExchangeSource = "bingx" | "simulated";

export const isExchangeSource = (source: string): source is ExchangeSource =>
  source === "bingx" || source === "simulated";

/** The live host. Its prices, and only its, may be called "bingx". */
export const BINGX_LIVE_HOST = "open-api.bingx.com";
export const BINGX_LIVE_URL = `https://${BINGX_LIVE_HOST}`;
/** BingX's demo trading host (virtual USDT). */
export const BINGX_DEMO_HOST = "open-api-vst.bingx.com";

const LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"];

/**
 * The origin to talk to, from the deployment variable BINGX_BASE_URL. Only BingX's own hosts over https and
 * loopback addresses are accepted, so that a mistyped variable cannot send requests, or later keys, elsewhere.
 */
export function bingxOrigin(baseUrl: string | undefined): Result<string> {
  const text = baseUrl === undefined || baseUrl === "" ? BINGX_LIVE_URL : baseUrl;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return err(`BINGX_BASE_URL is not a URL; set it to ${BINGX_LIVE_URL} or to the local exchange's address`);
  }
  const bingx = url.protocol === "https:" && [BINGX_LIVE_HOST, BINGX_DEMO_HOST].includes(url.host);
  const local =
    (url.protocol === "http:" || url.protocol === "https:") && LOOPBACK_HOSTS.includes(url.hostname);
  const bare =
    url.username === "" &&
    url.password === "" &&
    url.pathname === "/" &&
    url.search === "" &&
    url.hash === "";
  if ((bingx || local) && bare) return ok(url.origin);
  return err(
    `BINGX_BASE_URL must be ${BINGX_LIVE_URL}, https://${BINGX_DEMO_HOST} or a loopback address without path or credentials`,
  );
}

/** The source name of bars read from `origin`: "bingx" for the live host over https, else "simulated". */
export function sourceNameOf(origin: string): ExchangeSource {
  return origin === BINGX_LIVE_URL ? "bingx" : "simulated";
}
