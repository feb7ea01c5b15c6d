import type { Store } from "../store/store";

const ENVIRONMENT_KEY = "m/environment";
const MAX_VARIABLES = 1000;
const MAX_VALUE_BYTES = 8192;

/** Deployment variables: what functions see as `process.env`. Persisted; nothing of the host's environment leaks in. */
export class Environment {
  /** One object for the life of the process: the default runtime's `process.env` is this very object. */
  readonly values: Record<string, string> = {};
  private stored: Record<string, string>;

  constructor(private readonly store: Store) {
    this.stored = JSON.parse(store.get(ENVIRONMENT_KEY) ?? "{}") as Record<string, string>;
    Object.assign(this.values, this.stored);
  }

  /** Adds what the backend itself provides (CONVEX_CLOUD_URL, CONVEX_SITE_URL); not persisted. */
  provide(builtIn: Record<string, string>): void {
    Object.assign(this.values, builtIn);
  }

  /** Sets (text) or removes (null) variables, durably. Throws on a bad name or an oversized value. */
  async update(changes: Record<string, string | null>): Promise<void> {
    const next = { ...this.stored };
    for (const [name, value] of Object.entries(changes)) {
      if (!/^[A-Za-z][A-Za-z0-9_]{0,39}$/.test(name)) {
        throw new Error(
          `Environment variable name ${JSON.stringify(name)} must be 1 to 40 letters, digits or underscores.`,
        );
      }
      if (value === null) delete next[name];
      else if (Buffer.byteLength(value) > MAX_VALUE_BYTES) {
        throw new Error(`Environment variable ${name} is larger than ${MAX_VALUE_BYTES} bytes.`);
      } else next[name] = value;
    }
    if (Object.keys(next).length > MAX_VARIABLES)
      throw new Error(`More than ${MAX_VARIABLES} environment variables.`);
    await this.store.write([[ENVIRONMENT_KEY, JSON.stringify(next)]], { durable: true });
    this.stored = next;
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) delete this.values[name];
      else this.values[name] = value;
    }
  }
}
