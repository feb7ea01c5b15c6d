import { timingSafeEqual } from "node:crypto";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import type { AuthProviderConfig } from "../loader/modules";
import type { Ports } from "../ports";
import { ANONYMOUS, type Caller } from "../runtime/callState";
import { OperatorError } from "../store/store";
import type { JsonObject, JsonValue } from "../values/encoded";

/** A token that does not count; clients see the sentence. */
export class AuthenticationError extends Error {}

/** Standard OpenID claims and their names on a UserIdentity. */
const CLAIMS: Record<string, string> = {
  name: "name",
  given_name: "givenName",
  family_name: "familyName",
  nickname: "nickname",
  preferred_username: "preferredUsername",
  profile: "profileUrl",
  picture: "pictureUrl",
  website: "websiteUrl",
  email: "email",
  email_verified: "emailVerified",
  gender: "gender",
  birthdate: "birthday",
  zoneinfo: "timezone",
  locale: "language",
  phone_number: "phoneNumber",
  phone_number_verified: "phoneNumberVerified",
  address: "address",
  updated_at: "updatedAt",
};
const REGISTERED = new Set(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]);

interface Provider {
  issuer: string;
  applicationId: string | undefined;
  algorithms: string[];
  keys(): Promise<JWTVerifyGetKey>;
}

function localKeys(dataUri: string): JWTVerifyGetKey {
  const comma = dataUri.indexOf(",");
  const body = dataUri.slice(comma + 1);
  const text = dataUri.slice(0, comma).endsWith(";base64")
    ? Buffer.from(body, "base64").toString("utf8")
    : decodeURIComponent(body);
  return createLocalJWKSet(JSON.parse(text));
}

/** A token with an unknown key makes the provider's keys be fetched again, but not more often than this. */
const KEYS_COOLDOWN_MS = 2_000;
const PROVIDER_TIMEOUT_MS = 5_000;

function keysAt(uri: string): JWTVerifyGetKey {
  if (uri.startsWith("data:")) return localKeys(uri);
  const options = { cooldownDuration: KEYS_COOLDOWN_MS, timeoutDuration: PROVIDER_TIMEOUT_MS };
  return createRemoteJWKSet(new URL(uri), options);
}

async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(PROVIDER_TIMEOUT_MS),
  });
  if (!response.ok) throw new AuthenticationError(`OIDC discovery at ${issuer} answered ${response.status}.`);
  return keysAt(((await response.json()) as { jwks_uri: string }).jwks_uri);
}

/** Fields that a provider cannot do without. Throws OperatorError naming one that is empty: as a rule a variable that nobody has set. */
function demand<K extends string>(
  what: string,
  config: Partial<Record<K, string>>,
  names: K[],
): Record<K, string> {
  const missing = names.find((name) => !config[name]);
  if (missing === undefined) return config as Record<K, string>;
  throw new OperatorError(
    `auth.config: ${what} needs ${names.join(", ")}, and ${missing} is empty. If it comes from a variable, set that with --env-file.`,
  );
}

function providerOf(config: AuthProviderConfig): Provider {
  let keys: Promise<JWTVerifyGetKey> | null = null;
  const remember = (load: () => Promise<JWTVerifyGetKey>) => () => {
    keys ??= load().catch((error) => {
      keys = null;
      throw error;
    });
    return keys;
  };
  if (config.type === "customJwt") {
    const { issuer, jwks, algorithm } = demand("a customJwt provider", config, [
      "issuer",
      "jwks",
      "algorithm",
    ]);
    return {
      issuer,
      applicationId: config.applicationID,
      algorithms: [algorithm],
      keys: remember(async () => keysAt(jwks)),
    };
  }
  const { domain, applicationID } = demand("an OIDC provider", config, ["domain", "applicationID"]);
  const issuer = /^https?:\/\//.test(domain) ? domain : `https://${domain}`;
  return {
    issuer,
    applicationId: applicationID,
    algorithms: ["RS256", "ES256"],
    keys: remember(() => discover(issuer)),
  };
}

function sameIssuer(a: string, b: string): boolean {
  return a.replace(/\/$/, "") === b.replace(/\/$/, "");
}

function identityOf(claims: JWTPayload): JsonObject {
  const identity: JsonObject = {
    tokenIdentifier: `${claims.iss}|${claims.sub}`,
    issuer: claims.iss!,
    subject: claims.sub!,
  };
  for (const [claim, value] of Object.entries(claims)) {
    if (REGISTERED.has(claim) || value === undefined) continue;
    identity[CLAIMS[claim] ?? claim] = value as JsonValue;
  }
  return identity;
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Verifies callers against `auth.config` and the admin key. */
export class Authenticator {
  private providers: Provider[] = [];

  constructor(
    private readonly adminKey: string | null,
    private readonly ports: Ports,
  ) {}

  configure(configs: AuthProviderConfig[]): void {
    this.providers = configs.map(providerOf);
  }

  /** The caller behind a JWT. Throws AuthenticationError. */
  async user(token: string): Promise<Caller> {
    let unverified: JWTPayload;
    try {
      unverified = decodeJwt(token);
    } catch {
      throw new AuthenticationError("Could not parse the authentication token: it is not a JWT.");
    }
    const candidates = this.providers.filter(
      ({ issuer, applicationId }) =>
        sameIssuer(issuer, unverified.iss ?? "") &&
        (applicationId === undefined || [unverified.aud].flat().includes(applicationId)),
    );
    if (candidates.length === 0) {
      const known = this.providers.map(
        ({ issuer, applicationId }) => `${issuer} (${applicationId ?? "any audience"})`,
      );
      throw new AuthenticationError(
        `No auth provider found matching the given token: issuer ${unverified.iss}, audience ${unverified.aud}. Configured: ${known.join(", ") || "none"}.`,
      );
    }
    return this.verify(token, candidates[0]!);
  }

  private async verify(token: string, provider: Provider): Promise<Caller> {
    try {
      const { payload } = await jwtVerify(token, await provider.keys(), {
        algorithms: provider.algorithms,
        currentDate: new Date(this.ports.now()),
        clockTolerance: 5,
        requiredClaims: ["sub", "iss", "exp"],
      });
      return { admin: false, attributes: identityOf(payload), expiresAtMs: payload.exp! * 1000, token };
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw new AuthenticationError("Token expired");
      throw new AuthenticationError(`Could not verify the token: ${(error as Error).message}`);
    }
  }

  /** The administrator, optionally acting as somebody. Throws AuthenticationError when the key does not match. */
  admin(key: string, actAs: JsonObject | null): Caller {
    if (this.adminKey === null)
      throw new AuthenticationError("This backend was started without an admin key.");
    if (!sameText(key, this.adminKey))
      throw new AuthenticationError("The admin key does not match this backend.");
    if (!actAs) return { admin: true, attributes: null };
    return { admin: true, attributes: { tokenIdentifier: `${actAs.issuer}|${actAs.subject}`, ...actAs } };
  }

  /** Caller of an HTTP request: `Bearer <jwt>`, `Convex <adminKey>[:base64 identity]`, or nobody. */
  async header(authorization: string | undefined): Promise<Caller> {
    if (!authorization) return ANONYMOUS;
    const [scheme, value = ""] = authorization.split(" ", 2) as [string, string | undefined];
    if (scheme === "Bearer") return this.user(value);
    if (scheme !== "Convex") throw new AuthenticationError(`Unknown authorization scheme ${scheme}.`);
    if (this.adminKey !== null && value.startsWith(`${this.adminKey}:`)) {
      const identity = Buffer.from(value.slice(this.adminKey.length + 1), "base64").toString("utf8");
      return this.admin(this.adminKey, JSON.parse(identity) as JsonObject);
    }
    return this.admin(value, null);
  }
}
