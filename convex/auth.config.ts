import type { AuthConfig } from "convex/server";

/**
 * Who may sign in. Local identities (people and services) carry ES256 tokens signed with the key that the
 * desk made at its first start; its public half arrives as a data: URI. Clerk joins when its domain is set.
 */
const providers: AuthConfig["providers"] = [
  {
    type: "customJwt",
    issuer: process.env.ASSAY_AUTH_ISSUER ?? "https://assay.local",
    applicationID: "assay",
    jwks: process.env.ASSAY_AUTH_JWKS ?? "data:application/json,%7B%22keys%22%3A%5B%5D%7D",
    algorithm: "ES256",
  },
];
if (process.env.CLERK_JWT_ISSUER_DOMAIN) {
  providers.push({ domain: process.env.CLERK_JWT_ISSUER_DOMAIN, applicationID: "convex" });
}

export default { providers } satisfies AuthConfig;
