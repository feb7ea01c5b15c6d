import { makeFunctionReference } from "convex/server";
import type { JWTPayload } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createSigningKey,
  jwksUri,
  type OidcServer,
  type SigningKey,
  sign,
  startOidcServer,
} from "../backend/oidcServer";
import type { Backend } from "./drivers/driver";
import { startEmbedded } from "./drivers/embedded";
import { DRIVERS } from "./suite";

/**
 * Sign-in with tokens of providers that this run brings itself. Only a backend on this machine reaches them: the others are named at
 * the end with the reason that their driver declares for `tokens`.
 */
const AUDIENCE = "assay-conformance";
const RS_ISSUER = "https://rs.conformance.test";
const ES_ISSUER = "https://es.conformance.test";

let oidc: OidcServer;
let oidcKey: SigningKey;
let rsKey: SigningKey;
let esKey: SigningKey;
let backend: Backend;

const now = () => Math.floor(Date.now() / 1000);

function claims(issuer: string, subject: string, more: JWTPayload = {}): JWTPayload {
  return { iss: issuer, sub: subject, aud: AUDIENCE, iat: now(), exp: now() + 3600, ...more };
}

async function ask(
  token: string,
  path = "environment:whoami",
): Promise<[number, { value?: { subject: string } | null; code?: string; message?: string }]> {
  const response = await fetch(`${backend.url}/api/query`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ path, args: {}, format: "json" }),
  });
  return [response.status, (await response.json()) as { value?: { subject: string } | null }];
}

const accepted = async (token: string) => (await ask(token))[0] === 200;

beforeAll(async () => {
  [oidcKey, rsKey, esKey] = await Promise.all([
    createSigningKey("oidc-1", "RS256"),
    createSigningKey("rs-1", "RS256"),
    createSigningKey("es-1", "ES256"),
  ]);
  oidc = await startOidcServer([oidcKey]);
  backend = await startEmbedded({
    AUTH_PROVIDERS: JSON.stringify([
      { domain: oidc.issuer, applicationID: AUDIENCE },
      {
        type: "customJwt",
        issuer: RS_ISSUER,
        jwks: jwksUri(rsKey),
        algorithm: "RS256",
        applicationID: AUDIENCE,
      },
      { type: "customJwt", issuer: ES_ISSUER, jwks: jwksUri(esKey), algorithm: "ES256" },
    ]),
  });
});

afterAll(async () => {
  await backend?.close();
  await oidc?.close();
  for (const { name, lacks } of DRIVERS)
    if (lacks.tokens) console.info(`auth: not run on ${name}: ${lacks.tokens}`);
});

describe("tokens on embedded", () => {
  it("are refused while their provider cannot be reached, and accepted when it can", async () => {
    const token = await sign(oidcKey, claims(oidc.issuer, "late"));
    oidc.isDown = true;
    expect(await accepted(token)).toBe(false);
    oidc.isDown = false;
    expect(await accepted(token)).toBe(true);
  });

  it("of each kind of provider make the identity that they claim", async () => {
    const more = {
      name: "Ada",
      given_name: "A",
      email: "a@test",
      email_verified: true,
      updated_at: "x",
      role: "desk",
      org: { id: 1 },
    };
    for (const [issuer, key] of [
      [oidc.issuer, oidcKey],
      [RS_ISSUER, rsKey],
      [ES_ISSUER, esKey],
    ] as const) {
      const [status, { value }] = await ask(await sign(key, claims(issuer, "ada", more)));
      expect(status).toBe(200);
      expect(value).toMatchObject({
        tokenIdentifier: `${issuer}|ada`,
        issuer,
        subject: "ada",
        name: "Ada",
        givenName: "A",
        email: "a@test",
        emailVerified: true,
        role: "desk",
        org: { id: 1 },
      });
    }
  });

  it("are refused with the wrong audience, issuer, key, algorithm or time, or without a subject", async () => {
    const refused: Record<string, Promise<string>> = {
      "another audience": sign(rsKey, claims(RS_ISSUER, "x", { aud: "other" })),
      "no audience": sign(rsKey, claims(RS_ISSUER, "x", { aud: undefined })),
      "another issuer": sign(rsKey, claims("https://other.test", "x")),
      "another provider's key": sign(rsKey, claims(ES_ISSUER, "x")),
      "an algorithm that is not the provider's": sign(esKey, claims(RS_ISSUER, "x")),
      "a time that has passed": sign(rsKey, claims(RS_ISSUER, "x", { exp: now() - 60 })),
      "a time to come": sign(rsKey, claims(RS_ISSUER, "x", { nbf: now() + 600 })),
      "no end": sign(rsKey, claims(RS_ISSUER, "x", { exp: undefined })),
      "no subject": sign(rsKey, claims(RS_ISSUER, "x", { sub: undefined })),
    };
    for (const [what, token] of Object.entries(refused)) {
      const [status, body] = await ask(await token);
      expect([what, status, typeof body.message]).toEqual([what, 401, "string"]);
    }
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const unsigned = `${encoded({ alg: "none" })}.${encoded(claims(RS_ISSUER, "x"))}.`;
    expect(await accepted(unsigned)).toBe(false);
    expect(await accepted("not a token")).toBe(false);
    const good = await sign(esKey, claims(ES_ISSUER, "x", { aud: "anything" }));
    expect(await accepted(good)).toBe(true);
    const audiences = await sign(rsKey, claims(RS_ISSUER, "x", { aud: ["other", AUDIENCE] }));
    expect(await accepted(audiences)).toBe(true);
    const [head, , signature] = good.split(".");
    expect(await accepted(`${head}.${encoded(claims(ES_ISSUER, "forged"))}.${signature}`)).toBe(false);
  });

  it("signed with a key that the provider brought in since are accepted, with one it took back refused", async () => {
    const old = await sign(oidcKey, claims(oidc.issuer, "old"));
    expect(await accepted(old)).toBe(true);
    const next = await createSigningKey("oidc-2", "ES256");
    oidc.keys = [next];
    const fresh = await sign(next, claims(oidc.issuer, "new"));
    await expect.poll(() => accepted(fresh), { timeout: 10_000, interval: 250 }).toBe(true);
    expect(await accepted(old)).toBe(false);
    const before = oidc.fetches;
    const stranger = await createSigningKey("stranger", "ES256");
    for (let i = 0; i < 20; i++)
      expect(await accepted(await sign(stranger, claims(oidc.issuer, `s${i}`)))).toBe(false);
    expect(oidc.fetches - before).toBeLessThan(5);
    oidcKey = next;
  });

  it("reach mutations, actions and HTTP actions, and no identity is none", async () => {
    const token = await sign(esKey, claims(ES_ISSUER, "everywhere"));
    for (const [kind, path] of [
      ["mutation", "environment:whoamiMutation"],
      ["action", "environment:whoamiAction"],
    ]) {
      const response = await fetch(`${backend.url}/api/${kind}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
        body: JSON.stringify({ path, args: {}, format: "json" }),
      });
      expect(await response.json()).toMatchObject({ status: "success", value: { subject: "everywhere" } });
    }
    const web = await backend.fetch("/whoami", { headers: { Authorization: `Bearer ${token}` } });
    expect(await web.json()).toMatchObject({ subject: "everywhere" });
    expect(await (await backend.fetch("/whoami")).json()).toBeNull();
    expect(await backend.query("environment:whoami")).toBeNull();
  });

  it("the admin key acts as whom it says", async () => {
    const identity = Buffer.from(JSON.stringify({ subject: "acted", issuer: "https://x.test" })).toString(
      "base64",
    );
    const response = await fetch(`${backend.url}/api/query`, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Authorization: `Convex ${backend.adminKey}:${identity}`,
      },
      body: JSON.stringify({ path: "environment:whoami", args: {}, format: "json" }),
    });
    expect(await response.json()).toMatchObject({
      value: { subject: "acted", tokenIdentifier: "https://x.test|acted" },
    });
  });
});

describe("a session's identity on embedded", () => {
  interface Seen {
    rows: { subject: string } | null;
    run: number;
  }

  it("goes from nobody to one user, another and nobody again, and every live query follows", async () => {
    const client = backend.client();
    const who = backend.watch<Seen>("watch:identity", {}, client);
    const other = backend.watch<Seen>("watch:nothing", {}, client);
    await who.until(({ rows }) => rows === null);
    for (const subject of ["first", "second"]) {
      client.setAuth(async () => sign(esKey, claims(ES_ISSUER, subject)));
      await who.until(({ rows }) => rows?.subject === subject);
      const asked = await client.mutation(
        makeFunctionReference<"mutation">("environment:whoamiMutation"),
        {},
      );
      expect(asked).toMatchObject({ subject });
    }
    const before = who.seen.length;
    client.client.clearAuth();
    await expect
      .poll(() => who.seen.slice(before).some((entry) => "value" in entry && entry.value.rows === null), {
        timeout: 5_000,
      })
      .toBe(true);
    expect(other.seen.length).toBeGreaterThan(0);
  });

  it("is asked for again when its token has expired, before anything runs as nobody", async () => {
    const client = backend.client();
    const refreshes: boolean[] = [];
    const states: boolean[] = [];
    const who = backend.watch<Seen>("watch:identity", {}, client);
    await who.until(({ rows }) => rows === null);
    client.setAuth(
      async ({ forceRefreshToken }) => {
        refreshes.push(forceRefreshToken);
        const exp = forceRefreshToken ? now() + 3600 : now() - 60;
        return sign(esKey, claims(ES_ISSUER, "renewed", { exp, iat: exp - 60 }));
      },
      (isAuthenticated) => states.push(isAuthenticated),
    );
    const asked = client.mutation(makeFunctionReference<"mutation">("environment:whoamiMutation"), {});
    await who.until(({ rows }) => rows?.subject === "renewed");
    expect(await asked).toMatchObject({ subject: "renewed" });
    expect(refreshes).toContain(true);
    expect(states.at(-1)).toBe(true);
  });

  it("is asked for again when its token expires while it is in use", async () => {
    const client = backend.client();
    let fetched = 0;
    const who = backend.watch<Seen>("watch:identity", {}, client);
    client.setAuth(async () => {
      fetched++;
      const exp = fetched <= 2 ? now() + 2 : now() + 3600;
      return sign(esKey, claims(ES_ISSUER, `life ${fetched}`, { exp }));
    });
    await who.until(({ rows }) => rows !== null);
    await expect.poll(() => fetched, { timeout: 15_000, interval: 100 }).toBeGreaterThan(2);
    await who.until(({ rows }) => rows?.subject === `life ${fetched}`);
  });

  it("that cannot be renewed ends as nobody", async () => {
    const client = backend.client();
    const states: boolean[] = [];
    client.setAuth(
      async () => sign(esKey, claims("https://other.test", "stranger")),
      (isAuthenticated) => states.push(isAuthenticated),
    );
    const who = backend.watch<Seen>("watch:identity", {}, client);
    await who.until(({ rows }) => rows === null);
    await expect.poll(() => states.at(-1), { timeout: 10_000 }).toBe(false);
    expect(states).not.toContain(true);
  });

  it("decides which cached result it is shown", async () => {
    const [one, two] = [backend.client(), backend.client()];
    one.setAuth(async () => sign(esKey, claims(ES_ISSUER, "one")));
    two.setAuth(async () => sign(esKey, claims(ES_ISSUER, "two")));
    const seen = await Promise.all(
      [one, two].map((client) =>
        backend.watch<Seen>("watch:identity", {}, client).until(({ rows }) => rows !== null),
      ),
    );
    expect(seen.map(({ rows }) => rows?.subject)).toEqual(["one", "two"]);
  });
});
