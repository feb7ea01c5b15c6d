import type { Committer } from "../committer/committer";
import { RequestError } from "../runtime/errors";
import type { Store } from "../store/store";
import { setState } from "./state";

export const ENVIRONMENT_KEY = "m/environment";
const MAX_VARIABLES = 1000;
const MAX_VALUE_BYTES = 8192;

function refuse(message: string): never {
  throw new RequestError(400, "InvalidEnvironmentVariable", message);
}

/** Deployment variables: what functions see as `process.env`. Persisted; nothing of the host's environment leaks in. */
export class Environment {
  /** One object for the life of the process: the default runtime's `process.env` is this very object. */
  readonly values: Record<string, string> = {};
  private stored: Record<string, string>;
  private builtIn: Record<string, string> = {};

  constructor(
    store: Store,
    private readonly committer: Committer,
  ) {
    this.stored = JSON.parse(store.get(ENVIRONMENT_KEY) ?? "{}") as Record<string, string>;
    Object.assign(this.values, this.stored);
  }

  /** Adds what the backend itself provides (CONVEX_CLOUD_URL, CONVEX_SITE_URL); not persisted. */
  provide(builtIn: Record<string, string>): void {
    this.builtIn = builtIn;
    Object.assign(this.values, builtIn);
  }

  private changed(changes: Record<string, string | null>): Record<string, string> {
    const next = { ...this.stored };
    for (const [name, value] of Object.entries(changes)) {
      if (!/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(name)) {
        refuse(
          `Environment variable name ${JSON.stringify(name)} must be 1 to 40 letters, digits or underscores, not starting with a digit.`,
        );
      }
      if (name in this.builtIn)
        refuse(`Environment variable ${name} is set by the backend itself and cannot be changed.`);
      if (value === null) delete next[name];
      else if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
        refuse(`Environment variable ${name} is larger than ${MAX_VALUE_BYTES} bytes.`);
      } else next[name] = value;
    }
    if (Object.keys(next).length > MAX_VARIABLES)
      refuse(`The environment variable limit (${MAX_VARIABLES}) has been met. Remove one first.`);
    return next;
  }

  /**
   * Sets (text) or removes (null) variables, all or none, durably; functions see them from the next call on. Throws RequestError 400
   * naming the variable and the limit.
   */
  async update(changes: Record<string, string | null>): Promise<void> {
    await this.committer.submit(async (tx) => {
      const next = this.changed(changes);
      setState(tx, ENVIRONMENT_KEY, next);
      tx.layer.afterCommit.push(() => {
        for (const name of Object.keys(this.stored)) if (!(name in next)) delete this.values[name];
        this.stored = next;
        Object.assign(this.values, next, this.builtIn);
      });
      return { value: null, commit: true };
    });
  }
}
