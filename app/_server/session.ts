/**
 * Local sign-in on the server side: the session cookie and the short token for the control plane. Both are
 * ES256 tokens signed with the desk's own key; their audiences differ, so neither passes as the other.
 */
import { importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import { cookies } from "next/headers";

export const SESSION_COOKIE = "assay_session";
export const SESSION_SECONDS = 7 * 24 * 3600;
const TOKEN_SECONDS = 3600;
const SESSION_AUDIENCE = "assay-session";
const CONVEX_AUDIENCE = "assay";

export interface Session {
  subject: string;
  displayName: string;
}

/** A setting of the console's process that is missing or unreadable; the message names it. */
export class ConfigurationError extends Error {}

function required(name: "CONVEX_URL" | "ASSAY_AUTH_PRIVATE_JWK"): string {
  const value = process.env[name];
  if (!value) throw new ConfigurationError(`${name} is not set; start the console with: npm start`);
  return value;
}

/** Where the control plane answers; read at request time. */
export function convexUrl(): string {
  return required("CONVEX_URL");
}

function issuer(): string {
  return process.env.ASSAY_AUTH_ISSUER ?? "https://assay.local";
}

function privateJwk(): JWK {
  try {
    return JSON.parse(required("ASSAY_AUTH_PRIVATE_JWK")) as JWK;
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError(
      "ASSAY_AUTH_PRIVATE_JWK is not a JSON Web Key; start the console with: npm start",
    );
  }
}

async function sign(session: Session, audience: string, seconds: number): Promise<string> {
  const jwk = privateJwk();
  return new SignJWT({ name: session.displayName })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: jwk.kid })
    .setIssuer(issuer())
    .setAudience(audience)
    .setSubject(session.subject)
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(await importJWK(jwk, "ES256"));
}

/** The cookie's value for a member who just redeemed a link; valid for 7 days. */
export function signSession(session: Session): Promise<string> {
  return sign(session, SESSION_AUDIENCE, SESSION_SECONDS);
}

/** A token for the control plane; valid for one hour. */
export function signConvexToken(session: Session): Promise<string> {
  return sign(session, CONVEX_AUDIENCE, TOKEN_SECONDS);
}

/** The session of this request, or null when the cookie is absent, expired or not ours. */
export async function readSession(): Promise<Session | null> {
  const cookie = (await cookies()).get(SESSION_COOKIE)?.value;
  if (cookie === undefined) return null;
  const { d: _private, ...publicJwk } = privateJwk();
  try {
    const { payload } = await jwtVerify(cookie, await importJWK(publicJwk, "ES256"), {
      issuer: issuer(),
      audience: SESSION_AUDIENCE,
      algorithms: ["ES256"],
    });
    if (typeof payload.sub !== "string") return null;
    return {
      subject: payload.sub,
      displayName: typeof payload.name === "string" ? payload.name : payload.sub,
    };
  } catch {
    return null;
  }
}

/** True when a browser sent this from our own pages; anything else may not change the session. */
export function isSameOrigin(request: Request): boolean {
  const origin = request.headers.get("origin");
  const host = request.headers.get("host");
  if (origin === null || host === null) return false;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}
