import { types } from "node:util";
import { type Context, createContext, runInContext } from "node:vm";
import { callStorage, isDeterministic } from "./callState";
import { createFunctionConsole } from "./functionConsole";
import { asyncSyscall, jsSyscall, syscall } from "./syscalls";

/** The object that the convex library finds its host through; one serves all concurrent calls. */
export const convexHost = { syscall, asyncSyscall, jsSyscall };

function refuse(name: string): never {
  throw new Error(
    `Can't use ${name} in queries and mutations. Please consider using an action. See https://docs.convex.dev/functions/actions for more details.`,
  );
}

/** Wraps a host function so that it only works where effects are allowed. */
function actionsOnly<F extends (...args: never[]) => unknown>(name: string, run: F): F {
  return ((...args: never[]) => {
    if (isDeterministic(callStorage.getStore())) refuse(name);
    return run(...args);
  }) as F;
}

/** Host classes shared with the context, so that buffers and web objects pass `instanceof` on both sides. */
const SHARED = [
  ...[
    "ArrayBuffer",
    "SharedArrayBuffer",
    "DataView",
    "Int8Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "Int16Array",
  ],
  ...[
    "Uint16Array",
    "Int32Array",
    "Uint32Array",
    "Float32Array",
    "Float64Array",
    "BigInt64Array",
    "BigUint64Array",
  ],
  ...[
    "URL",
    "URLSearchParams",
    "TextEncoder",
    "TextDecoder",
    "Request",
    "Response",
    "Headers",
    "Blob",
    "File",
  ],
  ...["FormData", "AbortController", "AbortSignal", "Event", "EventTarget", "DOMException", "CustomEvent"],
  ...["ReadableStream", "WritableStream", "TransformStream", "CompressionStream", "DecompressionStream"],
  ...["TextEncoderStream", "TextDecoderStream", "CryptoKey"],
] as const;

/** `Date` and `Math.random` of the context follow the call (frozen and seeded in queries and mutations). */
const DETERMINISM = `(function (host) {
  const HostDate = Date;
  const now = () => host.now();
  globalThis.Date = new Proxy(HostDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [host.now()] : args, newTarget),
    apply: () => new HostDate(host.now()).toString(),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
  HostDate.prototype.constructor = globalThis.Date;
  // Errors of the host (a failed fetch) are errors here too.
  const ordinary = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(Error, Symbol.hasInstance, {
    value(thrown) { return ordinary.call(this, thrown) || (this === Error && host.isNativeError(thrown)); },
  });
  const random = Math.random;
  Math.random = () => host.random() ?? random();
})`;

function createCrypto(): object {
  const { crypto } = globalThis;
  return {
    subtle: crypto.subtle,
    getRandomValues: actionsOnly("crypto.getRandomValues()", (array: never) => crypto.getRandomValues(array)),
    randomUUID: actionsOnly("crypto.randomUUID()", () => crypto.randomUUID()),
  };
}

/** A fresh context with the default runtime's globals and `env` as `process.env`; nothing else of the host is visible. */
export function createDefaultRuntime(env: Record<string, string>, now: () => number): Context {
  const globals: Record<string, unknown> = {
    Convex: convexHost,
    console: createFunctionConsole(),
    process: { env },
    crypto: createCrypto(),
    fetch: actionsOnly("fetch()", fetch),
    setTimeout: actionsOnly("setTimeout()", (run: () => void, ms?: number) => Number(setTimeout(run, ms))),
    setInterval: actionsOnly("setInterval()", (run: () => void, ms?: number) => Number(setInterval(run, ms))),
    clearTimeout: (id: number) => clearTimeout(id),
    clearInterval: (id: number) => clearInterval(id),
    queueMicrotask,
    structuredClone,
    atob,
    btoa,
    performance: { now: () => (isDeterministic(callStorage.getStore()) ? 0 : performance.now()) },
  };
  for (const name of SHARED) globals[name] = (globalThis as unknown as Record<string, unknown>)[name];
  const context = createContext(globals, { codeGeneration: { strings: false, wasm: true } });
  globals.self = runInContext("globalThis", context);
  const host = {
    now: () => {
      const state = callStorage.getStore();
      return isDeterministic(state) ? state.root.nowMs : now();
    },
    isNativeError: types.isNativeError,
    random: () => callStorage.getStore()?.random?.(),
  };
  runInContext(DETERMINISM, context)(host);
  return context;
}

/** Puts on the host's global object what bundled "use node" modules refer to. Idempotent. */
export function installNodeRuntime(): void {
  const target = globalThis as unknown as Record<string, unknown>;
  if (target.__convexConsole) return;
  target.Convex = convexHost;
  target.__convexConsole = createFunctionConsole();
  const env = () => callStorage.getStore()?.root.backend.environment.values ?? {};
  target.__convexEnv = new Proxy(
    {},
    {
      get: (_, name) => env()[name as string],
      has: (_, name) => name in env(),
      ownKeys: () => Object.keys(env()),
      getOwnPropertyDescriptor: (_, name) =>
        name in env() ? { value: env()[name as string], enumerable: true, configurable: true } : undefined,
    },
  );
}
