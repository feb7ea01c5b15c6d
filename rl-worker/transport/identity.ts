/** Short-lived ES256 tokens for the desk's own identities, signed with the key of its data folder. */
import { importJWK, SignJWT } from "jose";
import type { SigningKey } from "../config";

const TOKEN_TTL_MS = 30 * 60_000;

/** A token of the desk's issuer for `subject`, valid until `expiresAtMs`. */
export async function mintToken(
  { kid, ...jwk }: SigningKey,
  issuer: string,
  subject: string,
  expiresAtMs: number,
): Promise<string> {
  return new SignJWT({ name: subject })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience("assay")
    .setIssuedAt()
    .setExpirationTime(new Date(expiresAtMs))
    .sign(await importJWK(jwk, "ES256"));
}

/** A function that gives a valid token for `subject`, minting a new one when asked or near expiry. */
export function createTokenSource(key: SigningKey, issuer: string, subject: string, nowMs: () => number) {
  let cached: { token: string; expiresAtMs: number } | null = null;
  return async (options?: { forceRefreshToken: boolean }): Promise<string> => {
    const now = nowMs();
    if (cached !== null && !options?.forceRefreshToken && cached.expiresAtMs - now > TOKEN_TTL_MS / 3) {
      return cached.token;
    }
    const token = await mintToken(key, issuer, subject, now + TOKEN_TTL_MS);
    cached = { token, expiresAtMs: now + TOKEN_TTL_MS };
    return token;
  };
}
