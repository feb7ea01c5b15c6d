import { formatAddress, formatHandle, parseAddress, parseChildReference } from "../components/address";
import { cancelJob, scheduleJob } from "../scheduler/jobs";
import { runVectorSearch, type VectorSearchRequest } from "../search/vectorQuery";
import { isPlainObject, type JsonObject } from "../values/encoded";
import { type CallState, SYSTEM } from "./callState";
import { FunctionFailure } from "./errors";
import type { Outcome } from "./outcome";
import type { CallOptions } from "./runner";
import type { AsyncSyscall } from "./syscalls";
import { reading } from "./syscallsStorage";

/** Address of the function that a call names: by name in its own component, by handle, or as a public function of a child. */
function addressOf({ component, root }: CallState, args: JsonObject): string {
  if (typeof args.name === "string") return formatAddress({ component: component.path, path: args.name });
  if (typeof args.functionHandle === "string") return args.functionHandle;
  const reference = String(args.reference);
  const { child, path } = parseChildReference(reference);
  const instance = component.children.get(child);
  if (!instance) {
    throw new Error(
      `There is no child component ${JSON.stringify(child)}; add it with use() in convex.config.ts.`,
    );
  }
  const address = formatAddress({ component: instance.path, path });
  if (!root.backend.components.find(address)?.isPublic) {
    throw new Error(`The component ${JSON.stringify(child)} has no public function ${path}.`);
  }
  return address;
}

/** A function calling another keeps its caller's identity and request, and may reach internal functions. */
function optionsOf({ root: { caller, request, requestId, scheduledFunctionId } }: CallState): CallOptions {
  return {
    caller,
    request,
    requestId,
    internal: true,
    ...(scheduledFunctionId ? { scheduledFunctionId } : {}),
  };
}

function textOrThrow(state: CallState, outcome: Outcome): string {
  state.root.logLines.push(...outcome.logLines);
  if (outcome.ok) return outcome.valueText;
  const message = outcome.errorMessage.replace(/^\[Request ID: \w+\] Server Error\n/, "");
  throw new FunctionFailure(message, outcome.errorData);
}

/** Queries and mutations nested in a query or mutation: the same snapshot, clock and limits; a failed mutation leaves nothing. */
async function runNested(state: CallState, args: JsonObject): Promise<string> {
  const { tx, root } = state;
  const kind = args.udfType === "mutation" ? "mutation" : "query";
  const given = args.args ?? {};
  if (!tx)
    throw new Error(
      "runQuery and runMutation with a transaction are only available in queries and mutations.",
    );
  const fn = root.backend.runner.resolve(addressOf(state, args), kind, true);
  const { namespace } = fn.component;
  const { transactionLimits } = args;
  const usage = isPlainObject(transactionLimits) ? tx.usage.within(transactionLimits) : tx.usage;
  if (kind === "query") {
    const isStale = args.udfType === "snapshotQuery";
    const child = isStale ? tx.stale(namespace, usage) : tx.nested(false, namespace, usage);
    return root.backend.runner.invoke(fn, root, given, child).finally(() => child.close());
  }
  if (!tx.writes) throw new Error("Queries cannot run mutations.");
  const turn = tx.nestedQueue.then(async () => {
    const child = tx.nested(true, namespace, usage);
    try {
      const text = await root.backend.runner.invoke(fn, root, given, child);
      tx.commitNested(child);
      return text;
    } finally {
      child.close();
    }
  });
  tx.nestedQueue = turn.catch(() => undefined);
  return turn;
}

export const callSyscalls: Record<string, AsyncSyscall> = {
  "1.0/runUdf": runNested,
  async "1.0/actions/query"(state, args) {
    const { runner, ports } = state.root.backend;
    // A query whose data is cached awaits no I/O: an action that polls must not keep everybody else from running.
    await new Promise<void>((resolve) => ports.defer(resolve));
    return textOrThrow(
      state,
      await runner.queryNow(addressOf(state, args), args.args ?? {}, optionsOf(state)),
    );
  },
  async "1.0/actions/mutation"(state, args) {
    const { runner } = state.root.backend;
    return textOrThrow(
      state,
      (await runner.mutation(addressOf(state, args), args.args ?? {}, optionsOf(state))).value,
    );
  },
  async "1.0/actions/action"(state, args) {
    const { runner } = state.root.backend;
    return textOrThrow(state, await runner.action(addressOf(state, args), args.args ?? {}, optionsOf(state)));
  },
  "1.0/schedule"(state, args) {
    return JSON.stringify(scheduleJob(state.root.backend, state.tx!, addressOf(state, args), args));
  },
  async "1.0/actions/schedule"(state, args) {
    const { backend } = state.root;
    const path = addressOf(state, args);
    const { value } = await backend.committer.submit(
      async (tx) => ({ value: scheduleJob(backend, tx, path, args), commit: true }),
      state.component.namespace,
    );
    return JSON.stringify(value);
  },
  "1.0/cancel_job"(state, args) {
    cancelJob(state.tx!, args.id as string, state.root.nowMs);
    return "null";
  },
  async "1.0/actions/cancel_job"(state, args) {
    await state.root.backend.committer.submit(async (tx) => {
      cancelJob(tx, args.id as string, state.root.backend.ports.now());
      return { value: null, commit: true };
    }, state.component.namespace);
    return "null";
  },
  "1.0/createFunctionHandle"(state, args) {
    const path = addressOf(state, args);
    state.root.backend.runner.resolve(path, "any", true);
    return JSON.stringify(formatHandle(parseAddress(path)));
  },
  async "1.0/actions/vectorSearch"(state, { query }) {
    const request = query as unknown as VectorSearchRequest;
    return JSON.stringify({ results: await reading(state, (tx) => runVectorSearch(tx, request)) });
  },
  "1.0/getUserIdentity"(state) {
    // Who calls is the app's business: a component has no identity to read.
    if (!state.component.isApp) return "null";
    state.root.readIdentity = true;
    const { caller } = state.root;
    return JSON.stringify(caller === SYSTEM ? null : caller.attributes);
  },
};
