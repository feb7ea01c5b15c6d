import { expect } from "vitest";
import type { Backend } from "./drivers/driver";
import { conformance } from "./suite";

interface Answer {
  status?: string;
  value?: unknown;
  errorMessage?: string;
  errorData?: unknown;
  code?: string;
  message?: string;
}

async function post(
  backend: Backend,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<[number, Answer]> {
  const response = await fetch(`${backend.url}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return [response.status, text.startsWith("{") ? (JSON.parse(text) as Answer) : { message: text }];
}

conformance("the HTTP API", (add) => {
  add(
    "takes arguments as an object or as a list of one, and names in three forms",
    async (backend) => {
      for (const args of [{ value: 5 }, [{ value: 5 }]]) {
        for (const path of ["calls:echo", "calls.js:echo"]) {
          expect(await post(backend, "/api/query", { path, args, format: "json" })).toEqual([
            200,
            { status: "success", value: 5, logLines: [] },
          ]);
        }
      }
      expect(
        (await post(backend, "/api/run/calls/echo", { args: { value: 6 }, format: "json" }))[1],
      ).toMatchObject({ value: 6 });
      const query = new URLSearchParams({
        path: "calls:echo",
        args: JSON.stringify({ value: 7 }),
        format: "json",
      });
      expect(await (await fetch(`${backend.url}/api/query?${query}`)).json()).toMatchObject({
        status: "success",
        value: 7,
      });
    },
    ["httpApi"],
  );

  add(
    "gives values in the format that was asked for",
    async (backend) => {
      const value = { i: { $integer: "BwAAAAAAAAA=" }, f: { $float: "AAAAAAAA+H8=" }, b: { $bytes: "AQI=" } };
      const [, encoded] = await post(backend, "/api/query", {
        path: "calls:echo",
        args: [{ value }],
        format: "convex_encoded_json",
      });
      expect(encoded.value).toEqual(value);
      const [, clean] = await post(backend, "/api/query", {
        path: "calls:echo",
        args: [{ value }],
        format: "json",
      });
      expect(clean.value).toMatchObject({ i: "7", b: "AQI=" });
    },
    ["httpApi"],
  );

  add(
    "answers a function's failure with 200 and its data, and a failed request with a status and a code",
    async (backend) => {
      const call = (path: string, args: object = {}) =>
        post(backend, "/api/query", { path, args, format: "json" });
      const [status, failed] = await call("calls:fail", { how: "error" });
      expect([status, failed.status]).toEqual([200, "error"]);
      expect(failed.errorMessage).toContain("boom");
      expect("errorData" in failed).toBe(false);
      const [, typed] = await call("calls:fail", { how: "convexText" });
      expect(typed).toMatchObject({ status: "error", errorData: "text data" });
      expect(typed.errorMessage).toContain("Uncaught ConvexError: text data");
      const [missing, sentence] = await call("calls:nowhere");
      expect([missing, sentence.status]).toEqual([200, "error"]);
      for (const body of [
        "not json",
        "[]",
        { args: {} },
        { path: 5, args: {} },
        { path: "calls:echo", args: 5 },
        { path: "calls:echo", args: {}, format: "xml" },
      ]) {
        const [code, answer] = await post(backend, "/api/query", body);
        expect([body, code]).toEqual([body, 400]);
        expect(answer.code ?? answer.message).toBeTypeOf("string");
      }
      expect((await post(backend, "/api/nothing", {}))[0]).toBe(404);
      const [denied, why] = await post(
        backend,
        "/api/query",
        { path: "calls:echo", args: { value: 1 } },
        { Authorization: "Bearer nonsense" },
      );
      expect([denied, typeof why.code]).toEqual([401, "string"]);
    },
    ["httpApi"],
  );

  add(
    "answers a query at a timestamp, and a mutation or an action",
    async (backend, group) => {
      const [, { ts }] = (await post(backend, "/api/query_ts", {})) as [number, { ts: string }];
      expect(Buffer.from(ts, "base64")).toHaveLength(8);
      const [, at] = await post(backend, "/api/query_at_ts", {
        path: "calls:echo",
        args: { value: 1 },
        ts,
        format: "json",
      });
      expect(at).toMatchObject({ status: "success", value: 1 });
      const [, mutated] = await post(backend, "/api/mutation", {
        path: "rows:insert",
        args: { values: [{ group }] },
        format: "json",
      });
      expect(mutated.value).toHaveLength(1);
      const [, acted] = await post(backend, "/api/action", {
        path: "calls:compose",
        args: { group },
        format: "json",
      });
      expect(acted).toMatchObject({ status: "success" });
    },
    ["httpApi"],
  );

  add(
    "reaches internal functions with the admin key only",
    async (backend) => {
      const body = { path: "calls:secret", args: {}, format: "json" };
      const key = { Authorization: `Convex ${backend.adminKey}` };
      expect((await post(backend, "/api/query", body))[1]).toMatchObject({ status: "error" });
      expect((await post(backend, "/api/query", body, key))[1]).toMatchObject({
        status: "success",
        value: "secret",
      });
      expect((await post(backend, "/api/function", body, key))[1]).toMatchObject({
        status: "success",
        value: "secret",
      });
      expect((await post(backend, "/api/function", body))[0]).toBeGreaterThanOrEqual(400);
      expect((await post(backend, "/api/query", body, { Authorization: "Convex wrong" }))[0]).toBe(401);
    },
    ["httpApi", "adminKey"],
  );

  add(
    "lets browsers of any origin in",
    async (backend) => {
      const origin = "https://console.test";
      const preflight = await fetch(`${backend.url}/api/query`, {
        method: "OPTIONS",
        headers: {
          Origin: origin,
          "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": "content-type,convex-client",
        },
      });
      expect(preflight.status).toBe(200);
      expect(preflight.headers.get("access-control-allow-origin")).toBe(origin);
      expect(preflight.headers.get("access-control-allow-headers")).toContain("convex-client");
    },
    ["httpApi"],
  );

  add(
    "says its version",
    async (backend) => {
      const response = await fetch(`${backend.url}/version`);
      expect([response.status, (await response.text()).length > 0]).toEqual([200, true]);
    },
    ["httpApi"],
  );
});

conformance("HTTP actions", (add) => {
  add("see method, path, search, headers and bytes, and answer with theirs", async (backend) => {
    const body = new Uint8Array([0, 255, 10, 13, 128]);
    const response = await backend.fetch("/echo?a=1&b=%20", {
      method: "POST",
      body,
      headers: { "content-type": "application/x-test" },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("application/x-test");
    expect(response.headers.get("x-search")).toBe("?a=1&b=%20");
    expect(response.headers.get("x-path")).toBe("/echo");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
  });

  add("are found by exact path first, then by the longest prefix, and by method", async (backend) => {
    expect(await (await backend.fetch("/under/exact")).json()).toEqual({ exact: true });
    expect(await (await backend.fetch("/under/else/where")).json()).toEqual({ under: "/under/else/where" });
    expect((await backend.fetch("/nowhere")).status).toBe(404);
    expect((await backend.fetch("/echo")).status).toBe(404);
  });

  add(
    "answer HEAD as GET without a body",
    async (backend) => {
      const head = await backend.fetch("/under/exact", { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([200, ""]);
    },
    ["httpApi"],
  );

  add(
    "that fail answer 500",
    async (backend) => {
      const response = await backend.fetch("/crash");
      expect(response.status).toBe(500);
      expect(await response.text()).toContain("http boom");
    },
    ["httpApi"],
  );
});
