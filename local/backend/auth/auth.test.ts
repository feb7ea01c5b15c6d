import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemPorts } from "../ports";
import { Authenticator } from "./auth";

let server: Server;
let issuer: string;
let key: CryptoKey;
let discoveries = 0;
const auth = new Authenticator("admin-key", systemPorts);

/** A small OpenID provider: discovery document and RS256 key set. */
beforeAll(async () => {
  const pair = await generateKeyPair("RS256", { extractable: true });
  key = pair.privateKey as CryptoKey;
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: "r1", alg: "RS256", use: "sig" };
  server = createServer((request, response) => {
    const isDiscovery = request.url === "/.well-known/openid-configuration";
    if (isDiscovery) discoveries++;
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(isDiscovery ? { issuer, jwks_uri: `${issuer}/keys` } : { keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  auth.configure([{ domain: issuer, applicationID: "convex" }]);
});

afterAll(() => void server.close());

function sign(claims: Record<string, unknown>, audience = "convex"): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "RS256", kid: "r1" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject("user-1")
    .setExpirationTime("5m")
    .sign(key);
}

describe("OpenID Connect", () => {
  it("finds keys by discovery, once, and names claims as Convex does", async () => {
    const caller = await auth.user(await sign({ email_verified: true, given_name: "Ada", role: "admin" }));
    await auth.user(await sign({}));
    expect(discoveries).toBe(1);
    expect(caller.admin).toBe(false);
    expect(caller.attributes).toEqual({
      tokenIdentifier: `${issuer}|user-1`,
      issuer,
      subject: "user-1",
      emailVerified: true,
      givenName: "Ada",
      role: "admin",
    });
  });

  it("refuses another audience, another algorithm and text that is no token", async () => {
    await expect(auth.user(await sign({}, "someone-else"))).rejects.toThrow(
      /No auth provider found matching/,
    );
    const hmac = new SignJWT({})
      .setProtectedHeader({ alg: "HS256", kid: "r1" })
      .setIssuer(issuer)
      .setAudience("convex");
    const forged = await hmac
      .setSubject("x")
      .setExpirationTime("5m")
      .sign(new TextEncoder().encode("secret".repeat(8)));
    await expect(auth.user(forged)).rejects.toThrow(/Could not verify/);
    await expect(auth.user("text")).rejects.toThrow(/not a JWT/);
  });
});

describe("the admin key", () => {
  it("makes an administrator, who may act as somebody; any other key is refused", async () => {
    expect(await auth.header("Convex admin-key")).toEqual({ admin: true, attributes: null });
    const identity = Buffer.from(JSON.stringify({ issuer: "i", subject: "s" })).toString("base64");
    expect((await auth.header(`Convex admin-key:${identity}`)).attributes).toEqual({
      tokenIdentifier: "i|s",
      issuer: "i",
      subject: "s",
    });
    await expect(auth.header("Convex other")).rejects.toThrow(/does not match/);
    await expect(new Authenticator(null, systemPorts).header("Convex ")).rejects.toThrow(
      /without an admin key/,
    );
  });
});
