import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

export interface SigningKey {
  kid: string;
  algorithm: "RS256" | "ES256";
  privateKey: CryptoKey;
  /** The public half, as a JWKS lists it. */
  jwk: object;
}

export async function createSigningKey(kid: string, algorithm: SigningKey["algorithm"]): Promise<SigningKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(pair.publicKey)), kid, alg: algorithm, use: "sig" };
  return { kid, algorithm, privateKey: pair.privateKey as CryptoKey, jwk };
}

/** A `data:` URI that holds the keys, so that no server is needed. */
export function jwksUri(...keys: SigningKey[]): string {
  const text = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
  return `data:application/json,${encodeURIComponent(text)}`;
}

/** Signs claims as they are given; times are seconds since the epoch. */
export function sign(key: SigningKey, claims: JWTPayload): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: "JWT" })
    .sign(key.privateKey);
}

export interface OidcServer {
  issuer: string;
  /** What the server publishes; replace it to rotate. */
  keys: SigningKey[];
  /** While true every request is answered with an error. */
  isDown: boolean;
  /** Requests for keys so far. */
  fetches: number;
  close(): Promise<void>;
}

/** An identity provider double: OIDC discovery and keys over HTTP on this machine. */
export async function startOidcServer(keys: SigningKey[]): Promise<OidcServer> {
  const server = createServer((request, response) => {
    if (oidc.isDown) return response.writeHead(503).end();
    response.setHeader("Content-Type", "application/json");
    if (request.url === "/.well-known/openid-configuration") {
      return response.end(JSON.stringify({ issuer: oidc.issuer, jwks_uri: `${oidc.issuer}/keys` }));
    }
    if (request.url !== "/keys") return response.writeHead(404).end();
    oidc.fetches++;
    response.end(JSON.stringify({ keys: oidc.keys.map(({ jwk }) => jwk) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const oidc: OidcServer = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys,
    isDown: false,
    fetches: 0,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return oidc;
}
