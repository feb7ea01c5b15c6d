import { types } from "node:util";
import { type Context, constants, createContext, runInContext } from "node:vm";
import type { Ports } from "../ports";
import { boundToCall, currentCall } from "./callContext";
import { isDeterministic } from "./callState";
import { createFunctionConsole } from "./functionConsole";
import { asyncSyscall, jsSyscall, syscall } from "./syscalls";

/** The object that the convex library finds its host through; one serves all concurrent calls. */
export const convexHost = { syscall, asyncSyscall, jsSyscall };

function refuse(name: string): never {
  throw new Error(
    `Can't use ${name} in queries and mutations. Please consider using an action. See https://docs.convex.dev/functions/actions for more details.`,
  );
}

const MAX_RANDOM_BYTES = 65_536;

/** Wraps a host function so that it only works where effects are allowed. */
function actionsOnly<F extends (...args: never[]) => unknown>(name: string, run: F): F {
  return ((...args: never[]) => {
    if (isDeterministic(currentCall())) refuse(name);
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

/** Random bytes come from the port everywhere: Convex too gives them in queries and mutations, and password hashing needs them there. */
function createCrypto(ports: Ports): object {
  const { subtle } = globalThis.crypto;
  return {
    subtle,
    getRandomValues(array: ArrayBufferView) {
      if (!ArrayBuffer.isView(array) || /^Float|^DataView/.test(array.constructor.name))
        throw new DOMException(
          "The provided ArrayBufferView is not an integer array type",
          "TypeMismatchError",
        );
      if (array.byteLength > MAX_RANDOM_BYTES)
        throw new TypeError(
          `Byte length (${array.byteLength}) exceeds the number of bytes of entropy available via this API (${MAX_RANDOM_BYTES})`,
        );
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(
        ports.randomBytes(array.byteLength),
      );
      return array;
    },
    randomUUID: () => uuidOf(ports.randomBytes(16)),
  };
}

/** Version 4 UUID of 16 drawn bytes. */
function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes);
  hex[6] = (hex[6]! & 0x0f) | 0x40;
  hex[8] = (hex[8]! & 0x3f) | 0x80;
  return hex.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The timers of actions, by the numbers that `setTimeout` and `setInterval` hand out. */
function createTimers(ports: Ports): Record<string, unknown> {
  const cancels = new Map<number, () => void>();
  let last = 0;
  const start = (delayMs: number, repeat: boolean, run: (...args: unknown[]) => void, args: unknown[]) => {
    const id = ++last;
    const callback = boundToCall(run);
    const arm = () => {
      const fire = () => {
        if (repeat) arm();
        else cancels.delete(id);
        callback(...args);
      };
      cancels.set(id, ports.setTimer(delayMs, fire));
    };
    arm();
    return id;
  };
  const clear = (id: number) => {
    cancels.get(id)?.();
    cancels.delete(id);
  };
  type Run = (...args: unknown[]) => void;
  return {
    setTimeout: actionsOnly("setTimeout()", (run: Run, ms?: number, ...args: unknown[]) =>
      start(Number(ms) || 0, false, run, args),
    ),
    setInterval: actionsOnly("setInterval()", (run: Run, ms?: number, ...args: unknown[]) =>
      start(Math.max(1, Number(ms) || 1), true, run, args),
    ),
    clearTimeout: clear,
    clearInterval: clear,
  };
}

/** A fresh context with the default runtime's globals and `env` as `process.env`; nothing else of the host is visible. */
export function createDefaultRuntime(env: Record<string, string>, ports: Ports): Context {
  const globals: Record<string, unknown> = {
    Convex: convexHost,
    console: createFunctionConsole(),
    process: { env },
    crypto: createCrypto(ports),
    fetch: actionsOnly("fetch()", fetch),
    ...createTimers(ports),
    queueMicrotask: (task: () => void) =>
      queueMicrotask(typeof task === "function" ? boundToCall(task) : task),
    structuredClone,
    atob,
    btoa,
    performance: { now: () => (isDeterministic(currentCall()) ? 0 : ports.elapsedMs()) },
  };
  for (const name of SHARED) globals[name] = (globalThis as unknown as Record<string, unknown>)[name];
  // An ordinary global object: on a contextified one every use of a global (JSON, Object, Convex) asks the host first, which
  // made the client library's work on a document twice as slow.
  const context = createContext(constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: true },
  });
  Object.assign(context, globals, { self: context });
  const host = {
    now: () => {
      const state = currentCall();
      return isDeterministic(state) ? state.root.nowMs : ports.now();
    },
    isNativeError: types.isNativeError,
    random: () => currentCall()?.random(),
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
  const env = () => currentCall()?.root.backend.environment.values ?? {};
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
