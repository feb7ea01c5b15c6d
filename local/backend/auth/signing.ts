import { createECDH, createHash, createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { Committer } from "../committer/committer";
import type { Ports } from "../ports";
import type { Store } from "../store/store";
import { isPlainObject, type JsonObject, type JsonValue } from "../values/encoded";

const SIGNING_KEY = "m/signingKey";
const CURVE = "prime256v1";
const MAX_LIFETIME_SECONDS = 3600;
const RESERVED = new Set(["iss", "iat", "exp", "nbf"]);

function base64url(bytes: Buffer | string): string {
  return Buffer.from(bytes).toString("base64url");
}

/** Claims and lifetime as `ctx.auth.signJwt` takes them; throws what keeps them from being signed. */
function checkOptions(claims: JsonValue | undefined, lifetime: JsonValue | undefined): [JsonObject, number] {
  if (typeof lifetime !== "number" || !(lifetime >= 1 && lifetime <= MAX_LIFETIME_SECONDS)) {
    throw new Error(
      `signJwt: \`expiresInSeconds\` must be between 1 and ${MAX_LIFETIME_SECONDS}, not ${JSON.stringify(lifetime ?? null)}.`,
    );
  }
  if (claims !== undefined && !isPlainObject(claims)) throw new Error("signJwt: `claims` must be an object.");
  for (const claim of Object.keys(claims ?? {})) {
    if (RESERVED.has(claim) || /^(convex|cvx)/i.test(claim)) {
      throw new Error(`signJwt: the claim ${JSON.stringify(claim)} is reserved and cannot be set.`);
    }
  }
  return [claims ?? {}, lifetime];
}

/** Signs ES256 tokens with the deployment's own key, which is drawn at the first start and kept in the store. */
export class TokenSigner {
  private key!: KeyObject;
  /** The public key, as `/.well-known/jwks.json` lists it. */
  private publicKey!: { kty: string; crv: string; x: string; y: string; kid: string };

  constructor(
    private readonly store: Store,
    private readonly committer: Committer,
    private readonly ports: Ports,
  ) {}

  async open(): Promise<void> {
    let secret = this.store.get(SIGNING_KEY);
    if (secret === undefined) {
      const drawn = Buffer.from(this.ports.randomBytes(32)).toString("base64url");
      secret = drawn;
      await this.committer.submit(async (tx) => {
        tx.layer.raw.set(SIGNING_KEY, drawn);
        return { value: null, commit: true };
      });
    }
    const pair = createECDH(CURVE);
    pair.setPrivateKey(secret, "base64url");
    const point = pair.getPublicKey();
    const [x, y] = [base64url(point.subarray(1, 33)), base64url(point.subarray(33))];
    const jwk = { kty: "EC", crv: "P-256", x, y };
    this.key = createPrivateKey({ key: { ...jwk, d: secret }, format: "jwk" });
    this.publicKey = {
      ...jwk,
      kid: createHash("sha256")
        .update(x + y)
        .digest("base64url")
        .slice(0, 16),
    };
  }

  /** JSON text of the key set that verifies every token. */
  jwks(): string {
    return JSON.stringify({ keys: [{ ...this.publicKey, alg: "ES256", use: "sig" }] });
  }

  /** A token of `issuer` that is valid from `nowMs`. Throws for reserved claims and lifetimes over an hour. */
  sign(
    issuer: string,
    claims: JsonValue | undefined,
    lifetimeSeconds: JsonValue | undefined,
    nowMs: number,
  ): string {
    const [given, lifetime] = checkOptions(claims, lifetimeSeconds);
    const iat = Math.floor(nowMs / 1000);
    const header = base64url(JSON.stringify({ alg: "ES256", typ: "JWT", kid: this.publicKey.kid }));
    const body = base64url(JSON.stringify({ ...given, iss: issuer, iat, exp: iat + Math.floor(lifetime) }));
    const signature = sign("sha256", Buffer.from(`${header}.${body}`), {
      key: this.key,
      dsaEncoding: "ieee-p1363",
    });
    return `${header}.${body}.${base64url(signature)}`;
  }
}
