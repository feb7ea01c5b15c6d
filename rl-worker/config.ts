/** What the worker and the command line need to know, parsed once at start. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";

const vKey = z.object({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  d: z.string(),
  kid: z.string(),
});
export type SigningKey = z.infer<typeof vKey>;

const vEnvironment = z.object({
  ASSAY_CONVEX_URL: z.url(),
  ASSAY_KEY_FILE: z.string().min(1),
  ASSAY_AUTH_ISSUER: z.string().min(1).default("https://assay.local"),
  ASSAY_WORKER_JOBS: z.coerce.number().int().min(1).max(32).default(6),
  ASSAY_FEATURE_CACHE: z.string().min(1).optional(),
  ASSAY_FEATURE_CACHE_MB: z.coerce.number().int().min(0).max(1_000_000).default(2_048),
});

export interface WorkerConfig {
  convexUrl: string;
  key: SigningKey;
  issuer: string;
  concurrentJobs: number;
  /** Absent when the cache's size is set to 0. */
  featureCache?: { folder: string; maxBytes: number };
}

/** A desk's signing key file (private JWK, ES256). Throws with the file's name when it does not parse. */
export function readSigningKey(file: string): SigningKey {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`Cannot read the signing key ${file}: ${error instanceof Error ? error.message : error}`);
  }
  const key = vKey.safeParse(parsed);
  if (!key.success)
    throw new Error(`The signing key ${file} is not an ES256 private JWK; make one with: npm start`);
  return key.data;
}

/** Throws one sentence naming the first variable that is missing or wrong. */
export function readConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const parsed = vEnvironment.safeParse(env);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new Error(`${issue.path.join(".")}: ${issue.message}; see .env.example`);
  }
  const { ASSAY_KEY_FILE: keyFile, ASSAY_FEATURE_CACHE_MB: cacheMb } = parsed.data;
  // The key lies in a folder of the data folder.
  const folder = parsed.data.ASSAY_FEATURE_CACHE ?? join(dirname(dirname(resolve(keyFile))), "feature-cache");
  return {
    ...(cacheMb > 0 && { featureCache: { folder, maxBytes: cacheMb * 1_048_576 } }),
    convexUrl: parsed.data.ASSAY_CONVEX_URL,
    key: readSigningKey(parsed.data.ASSAY_KEY_FILE),
    issuer: parsed.data.ASSAY_AUTH_ISSUER,
    concurrentJobs: parsed.data.ASSAY_WORKER_JOBS,
  };
}
