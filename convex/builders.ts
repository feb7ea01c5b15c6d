/**
 * The security perimeter (invariant 10): the only file that touches raw `query`, `mutation` and `action`.
 * Every builder refuses non-finite numbers (D-05) and proves who is calling before the handler runs.
 * The audience files use exactly one family: console.ts viewer/operator/admin, worker.ts worker, api.ts api.
 */
import type { GenericValidator, ObjectType, PropertyValidators } from "convex/values";
import { ConvexError, type Infer } from "convex/values";
import { appError } from "../lib/contract/errors";
import {
  type ActionCtx,
  internalAction,
  internalMutation,
  internalQuery,
  type MutationCtx,
  mutation,
  type QueryCtx,
  query,
} from "./_generated/server";
import { findApiToken, findMember } from "./access/model";
import {
  API_SUBJECT_PREFIX,
  LOCAL_ISSUER_DEFAULT,
  type Role,
  roleAllows,
  type Scope,
  SERVICE_SUBJECT_PREFIX,
} from "./access/roles";
import { countUse, type RateName } from "./rateLimits";

export interface Actor {
  tokenIdentifier: string;
  displayName: string;
  role: Role | "service" | "api";
}

type Handler<Ctx, A extends PropertyValidators, R extends GenericValidator> = (
  ctx: Ctx,
  args: ObjectType<A>,
) => Promise<Infer<R>>;

interface Definition<Ctx, A extends PropertyValidators, R extends GenericValidator> {
  args: A;
  returns: R;
  handler: Handler<Ctx, A, R>;
}

/** Refuses NaN and infinities anywhere in the arguments; `v.number()` alone accepts them. */
export function assertFinite(value: unknown, path: string): void {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) {
      throw new ConvexError(appError("NON_FINITE_NUMBER", `${path} is ${value}; send a finite number`, path));
    }
    return;
  }
  if (typeof value !== "object" || value === null || value instanceof ArrayBuffer) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) assertFinite(value[i], `${path}[${i}]`);
    return;
  }
  for (const [key, inner] of Object.entries(value)) assertFinite(inner, path === "" ? key : `${path}.${key}`);
}

/** The signed-in member, or an error: there is no default role. */
async function requireRole(ctx: QueryCtx, needed: Role): Promise<Actor> {
  const identity = await ctx.auth.getUserIdentity();
  if (identity === null) {
    throw new ConvexError(appError("UNAUTHENTICATED", "Sign in first: no identity came with this call"));
  }
  const member = await findMember(ctx, identity.tokenIdentifier);
  if (member === null || member.disabled) {
    throw new ConvexError(
      appError("FORBIDDEN", "This identity is not a member of the desk; ask an admin for a link"),
    );
  }
  if (!roleAllows(member.role, needed)) {
    throw new ConvexError(appError("FORBIDDEN", `This needs the role ${needed}; yours is ${member.role}`));
  }
  return { tokenIdentifier: member.tokenIdentifier, displayName: member.displayName, role: member.role };
}

/** A service identity of our own issuer (worker, command line), never a person's. */
async function requireService(ctx: QueryCtx): Promise<Actor> {
  const identity = await ctx.auth.getUserIdentity();
  if (identity === null) {
    throw new ConvexError(appError("UNAUTHENTICATED", "Service token missing: set the worker's token"));
  }
  const issuer = process.env.ASSAY_AUTH_ISSUER ?? LOCAL_ISSUER_DEFAULT;
  if (identity.issuer !== issuer || !identity.subject.startsWith(SERVICE_SUBJECT_PREFIX)) {
    throw new ConvexError(appError("FORBIDDEN", "Only a service identity may call worker functions"));
  }
  return { tokenIdentifier: identity.tokenIdentifier, displayName: identity.subject, role: "service" };
}

/** A machine outside the desk whose row allows the scope now; the name in its token alone gives it nothing. */
async function requireScope(ctx: QueryCtx, scope: Scope): Promise<Actor> {
  const identity = await ctx.auth.getUserIdentity();
  if (identity === null) {
    throw new ConvexError(
      appError("UNAUTHENTICATED", "Send a token of this desk: authorization: Bearer <token>"),
    );
  }
  const issuer = process.env.ASSAY_AUTH_ISSUER ?? LOCAL_ISSUER_DEFAULT;
  const isOurs = identity.issuer === issuer && identity.subject.startsWith(API_SUBJECT_PREFIX);
  const token = isOurs ? await findApiToken(ctx, identity.subject) : null;
  if (token === null || token.disabled || token.expiresAtMs <= Date.now() || !token.scopes.includes(scope)) {
    throw new ConvexError(
      appError(
        "FORBIDDEN",
        `This token does not allow ${scope}; an admin allows one with: assay token create`,
      ),
    );
  }
  return { tokenIdentifier: identity.tokenIdentifier, displayName: token.name, role: "api" };
}

type Authority = (ctx: QueryCtx) => Promise<Actor>;

/** The definition with the check of its numbers in front of the handler. */
function checked<Ctx, A extends PropertyValidators, R extends GenericValidator>(
  definition: Definition<Ctx, A, R>,
) {
  return {
    args: definition.args,
    returns: definition.returns,
    handler: async (ctx: Ctx, args: ObjectType<A>): Promise<Infer<R>> => {
      assertFinite(args, "");
      return definition.handler(ctx, args);
    },
  };
}

/** The definition with its caller proven; the handler finds who it is in `ctx.actor`. */
function authorised<Ctx extends QueryCtx, A extends PropertyValidators, R extends GenericValidator>(
  authority: Authority,
  { args, returns, handler }: Definition<Ctx & { actor: Actor }, A, R>,
) {
  return checked<Ctx, A, R>({
    args,
    returns,
    handler: async (ctx, values) => handler({ ...ctx, actor: await authority(ctx) }, values),
  });
}

function queryBuilder(authority: Authority) {
  return <A extends PropertyValidators, R extends GenericValidator>(
    definition: Definition<QueryCtx & { actor: Actor }, A, R>,
  ) => query(authorised<QueryCtx, A, R>(authority, definition));
}

/** A mutation may name the rate limit that each of its caller's calls counts against. */
function mutationBuilder(authority: Authority) {
  return <A extends PropertyValidators, R extends GenericValidator>({
    limit,
    ...definition
  }: Definition<MutationCtx & { actor: Actor }, A, R> & { limit?: RateName }) =>
    mutation(
      authorised<MutationCtx, A, R>(authority, {
        ...definition,
        handler: async (ctx, values) => {
          if (limit !== undefined) await countUse(ctx, limit, ctx.actor.tokenIdentifier);
          return definition.handler(ctx, values);
        },
      }),
    );
}

export const viewerQuery = queryBuilder((ctx) => requireRole(ctx, "viewer"));
export const adminQuery = queryBuilder((ctx) => requireRole(ctx, "admin"));
export const viewerMutation = mutationBuilder((ctx) => requireRole(ctx, "viewer"));
export const operatorMutation = mutationBuilder((ctx) => requireRole(ctx, "operator"));
export const adminMutation = mutationBuilder((ctx) => requireRole(ctx, "admin"));
export const workerQuery = queryBuilder(requireService);
export const workerMutation = mutationBuilder(requireService);

/** Calls of machines outside the desk; every one counts against its token's rate. */
export const apiMutation = <A extends PropertyValidators, R extends GenericValidator>({
  scope,
  ...definition
}: Definition<MutationCtx & { actor: Actor }, A, R> & { scope: Scope }) =>
  mutationBuilder((ctx) => requireScope(ctx, scope))({ limit: "tokenCalls", ...definition });

/** Callable by nobody outside the deployment: crons, scheduler, Node actions. */
export const internalMutationOf = <A extends PropertyValidators, R extends GenericValidator>(
  definition: Definition<MutationCtx, A, R>,
) => internalMutation(checked(definition));

export const internalQueryOf = <A extends PropertyValidators, R extends GenericValidator>(
  definition: Definition<QueryCtx, A, R>,
) => internalQuery(checked(definition));

/** Actions of the deployment itself (exchange calls); started by crons and the scheduler only. */
export const internalActionOf = <A extends PropertyValidators, R extends GenericValidator>(
  definition: Definition<ActionCtx, A, R>,
) => internalAction(checked(definition));

/** Open to callers without an identity: only the redemption of a one-time sign-in link uses it. */
export const anonymousMutation = <A extends PropertyValidators, R extends GenericValidator>(
  definition: Definition<MutationCtx, A, R>,
) => mutation(checked(definition));

/** A query that also answers people who are not signed in (with null, never with data). */
export const identityQuery = <A extends PropertyValidators, R extends GenericValidator>({
  args,
  returns,
  handler,
}: Definition<QueryCtx & { tokenIdentifier: string | null }, A, R>) =>
  query(
    checked<QueryCtx, A, R>({
      args,
      returns,
      handler: async (ctx, values) => {
        const identity = await ctx.auth.getUserIdentity();
        return handler({ ...ctx, tokenIdentifier: identity?.tokenIdentifier ?? null }, values);
      },
    }),
  );
