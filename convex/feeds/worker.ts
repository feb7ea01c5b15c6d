/** Feed points in and out, for the service identity: dataset building, live features, file import. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { workerQuery } from "../builders";
import { readFeedChunks } from "./model";
import { vFeed } from "./schema";

const vFeedKey = { instrument: v.string(), feed: vFeed, source: v.string() };

/** Encoded chunks that may hold events in [fromMs, toMs), oldest first; page on by the last `chunkStartMs`. */
export const chunks = workerQuery({
  args: { ...vFeedKey, fromMs: v.number(), toMs: v.number() },
  returns: v.array(v.object({ chunkStartMs: v.number(), sha256: v.string(), payload: v.bytes() })),
  handler: async (ctx, { fromMs, toMs, ...key }) => {
    const rows = await readFeedChunks(ctx, key, fromMs, toMs, LIMITS.chunksPerPage);
    return rows.map(({ chunkStartMs, sha256, payload }) => ({ chunkStartMs, sha256, payload }));
  },
});
