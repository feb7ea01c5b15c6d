/** Hyper-parameter searches for people: list, trials, request, cancel, resume. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { operatorMutation, viewerQuery } from "../builders";
import { cancelSearch, requestSearch, requireSearch, resumeSearch, trialsOfRung } from "./model";
import { searchFields, searchRequestFields, searchTrialFields } from "./schema";

const vSearch = v.object({ ...searchFields, _id: v.id("searches") });

export const list = viewerQuery({
  args: {},
  returns: v.array(vSearch),
  handler: async (ctx) => {
    const rows = await ctx.db.query("searches").withIndex("by_createdAt").order("desc").take(LIMITS.pageSize);
    return rows.map(({ _creationTime, ...fields }) => fields);
  },
});

/** The search with the trials of every rung so far. */
export const get = viewerQuery({
  args: { searchId: v.id("searches") },
  returns: v.object({
    ...searchFields,
    _id: v.id("searches"),
    trials: v.array(v.object({ ...searchTrialFields, _id: v.id("searchTrials") })),
  }),
  handler: async (ctx, { searchId }) => {
    const { _creationTime, ...fields } = await requireSearch(ctx, searchId);
    const trials = [];
    for (let rung = 0; rung <= fields.rung; rung++) {
      for (const { _creationTime: _at, ...trial } of await trialsOfRung(ctx, searchId, rung))
        trials.push(trial);
    }
    return { ...fields, trials };
  },
});

export const request = operatorMutation({
  limit: "jobRequests",
  args: searchRequestFields,
  returns: v.id("searches"),
  handler: (ctx, args) => requestSearch(ctx, args, ctx.actor.tokenIdentifier),
});

export const cancel = operatorMutation({
  args: { searchId: v.id("searches") },
  returns: v.null(),
  handler: async (ctx, { searchId }) => {
    await cancelSearch(ctx, await requireSearch(ctx, searchId), ctx.actor.tokenIdentifier);
    return null;
  },
});

/** Goes on with a cancelled search. */
export const resume = operatorMutation({
  limit: "jobRequests",
  args: { searchId: v.id("searches") },
  returns: v.null(),
  handler: async (ctx, { searchId }) => {
    await resumeSearch(ctx, await requireSearch(ctx, searchId), ctx.actor.tokenIdentifier);
    return null;
  },
});
