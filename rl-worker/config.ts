/** What the worker and the command line need to know, parsed once at start. */
import { readFileSync } from "node:fs";
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
});

export interface WorkerConfig {
  convexUrl: string;
  key: SigningKey;
  issuer: string;
  concurrentJobs: number;
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
  return {
    convexUrl: parsed.data.ASSAY_CONVEX_URL,
    key: readSigningKey(parsed.data.ASSAY_KEY_FILE),
    issuer: parsed.data.ASSAY_AUTH_ISSUER,
    concurrentJobs: parsed.data.ASSAY_WORKER_JOBS,
  };
}
