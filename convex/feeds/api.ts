/** Events from machines outside the desk, with a token of the scope events:write. */
import { v } from "convex/values";
import { apiMutation } from "../builders";
import { storeEvents } from "./ledger";
import { vEventFeed, vNewEvent, vStoredEvent } from "./schema";

/**
 * Stores events of one instrument and feed, all or none. An event that was sent before is answered as a duplicate; the same
 * externalId with other content is refused. Features use an event from when it was received.
 */
export const post = apiMutation({
  scope: "events:write",
  args: { instrument: v.string(), feed: vEventFeed, events: v.array(vNewEvent) },
  returns: v.array(vStoredEvent),
  handler: (ctx, args) => storeEvents(ctx, { ...args, publisher: ctx.actor.displayName, origin: "api" }),
});
