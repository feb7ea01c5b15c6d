import type { Driver } from "./driver";
import { remoteBackend } from "./remote";

/**
 * A real Convex deployment that carries the conformance functions; see docs/conformance.md. Present when CONVEX_CONFORMANCE_URL is
 * set; CONVEX_CONFORMANCE_SITE_URL and CONVEX_CONFORMANCE_ADMIN_KEY say the rest.
 */
export function deployment(environment: NodeJS.ProcessEnv): Driver | null {
  const url = environment.CONVEX_CONFORMANCE_URL;
  if (!url) return null;
  const siteUrl = environment.CONVEX_CONFORMANCE_SITE_URL ?? url.replace(/\.cloud$/, ".site");
  const adminKey = environment.CONVEX_CONFORMANCE_ADMIN_KEY ?? null;
  return {
    name: "deployment",
    lacks: {
      tokens:
        "the providers of a run live in the run's own process, where a remote deployment cannot reach them",
      ...(adminKey ? {} : { adminKey: "CONVEX_CONFORMANCE_ADMIN_KEY is not set" }),
    },
    open: async () => remoteBackend({ url, siteUrl, adminKey, stop: async () => {} }),
  };
}
