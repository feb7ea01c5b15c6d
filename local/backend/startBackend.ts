import { Backend } from "./backend";
import { type Listening, listenApi, listenSite } from "./http/server";
import { type Log, silentLog } from "./log";
import type { Ports } from "./ports";
import type { Disk } from "./store/disk";
import { isReadOnlyDisk } from "./store/store";

export interface StartOptions {
  functionsDir: string;
  dataDir: string;
  /** 0 (the default) takes a free port. */
  port?: number;
  sitePort?: number;
  host?: string;
  adminKey?: string;
  /** Deployment variables; they override the stored ones and are stored. */
  environment?: Record<string, string>;
  log?: Log;
  /** Clock, randomness and timers; the system's by default. */
  ports?: Ports;
  /** Where store and files live; the data folder by default. */
  disk?: Disk;
  /** Computing after which a query or mutation fails, ms; 1000 by default. */
  computeLimitMs?: number;
  /** Told when a durable write failed. By default the process prints why and ends with code 1. */
  onFatal?: (error: unknown) => void;
}

export interface RunningBackend {
  url: string;
  siteUrl: string;
  /** The rooms behind the servers, for checkers and benches in the same process. */
  backend: Backend;
  close(): Promise<void>;
}

function endProcess(error: unknown): void {
  const detail = (error as Error)?.message ?? error;
  process.stderr.write(
    isReadOnlyDisk(error)
      ? `The disk has become read-only, so the backend stops: ${detail}. Look for its error in the system log, repair it or mount it writable, then start again; everything acknowledged is kept.\n`
      : `The store cannot write durably, so the backend stops: ${detail}. Free disk space or repair the disk, then start again; everything acknowledged is kept.\n`,
  );
  process.exit(1);
}

/**
 * Starts an embedded backend in this process and resolves when it serves. Throws OperatorError with one sentence when a port is
 * taken, the data folder is locked or unwritable, or the functions folder or stored data do not fit.
 */
export async function startBackend(options: StartOptions): Promise<RunningBackend> {
  const host = options.host ?? "127.0.0.1";
  const opened: Listening[] = [];
  const closeServers = () => Promise.all(opened.map((server) => server.close()));
  try {
    const port = options.port ?? 0;
    const api = await listenApi(host, port);
    opened.push(api);
    const site = await listenSite(host, options.sitePort ?? (port === 0 ? 0 : port + 1));
    opened.push(site);
    const urls = { cloud: `http://${host}:${api.port}`, site: `http://${host}:${site.port}` };
    const backend = await Backend.open({
      functionsDir: options.functionsDir,
      dataDir: options.dataDir,
      adminKey: options.adminKey ?? null,
      environment: options.environment ?? {},
      log: options.log ?? silentLog,
      ...(options.ports ? { ports: options.ports } : {}),
      ...(options.computeLimitMs === undefined ? {} : { computeLimitMs: options.computeLimitMs }),
      ...(options.disk ? { disk: options.disk } : {}),
      urls,
      onFatal: options.onFatal ?? endProcess,
    });
    api.serve(backend);
    site.serve(backend);
    return {
      url: urls.cloud,
      siteUrl: urls.site,
      backend,
      async close() {
        await closeServers();
        await backend.close();
      },
    };
  } catch (error) {
    await closeServers();
    throw error;
  }
}
