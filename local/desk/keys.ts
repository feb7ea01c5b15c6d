/** The desk's signing key: made at the first start, kept in the data folder, readable by its owner only. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";

export interface DeskKey {
  /** Path of the private JWK. */
  file: string;
  /** JWKS with the public half as a data: URI, for auth.config.ts. */
  jwksUri: string;
  privateJwk: string;
}

export async function ensureKey(dataDir: string): Promise<DeskKey> {
  const folder = join(dataDir, "keys");
  const file = join(folder, "signing.json");
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const kid = `assay-${Date.now().toString(36)}`;
    writeFileSync(file, JSON.stringify({ ...(await exportJWK(privateKey)), kid, alg: "ES256" }), {
      mode: 0o600,
    });
  }
  const privateJwk = readFileSync(file, "utf8");
  const { d: _private, ...publicJwk } = JSON.parse(privateJwk) as Record<string, string>;
  const jwks = JSON.stringify({ keys: [{ ...publicJwk, alg: "ES256", use: "sig" }] });
  return { file, privateJwk, jwksUri: `data:application/json,${encodeURIComponent(jwks)}` };
}

/** The backend's admin key: who has it may do everything. Made at the first start; its file is its owner's only. */
export function ensureAdminKeyFile(dataDir: string): string {
  const folder = join(dataDir, "keys");
  const file = join(folder, "backend-admin.key");
  if (!existsSync(file)) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  }
  return file;
}
