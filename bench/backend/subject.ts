import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { socketClient } from "../../tests/backend/clients";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../../tests/backend/spawnBackend";

export const api = anyApi;

/** The backend under measurement in its own process, with stock clients. */
export class Subject {
  private readonly sockets: Array<ReturnType<typeof socketClient>> = [];

  private constructor(
    private readonly data: ReturnType<typeof temporaryData>,
    private backend: SpawnedBackend,
  ) {}

  /** On an empty folder, or on one that there is. */
  static async start(data = temporaryData()): Promise<Subject> {
    return new Subject(data, await spawnBackend({ dataDir: data.dataDir }));
  }

  get url(): string {
    return this.backend.url;
  }

  get http(): ConvexHttpClient {
    return new ConvexHttpClient(this.url, { logger: false });
  }

  /** A stock subscription client; {@link closeSockets} closes it. */
  socket(): ReturnType<typeof socketClient> {
    const client = socketClient(this.url);
    this.sockets.push(client);
    return client;
  }

  async closeSockets(): Promise<void> {
    await Promise.all(this.sockets.splice(0).map((client) => client.close()));
  }

  /** Stops the process and starts it on the same folder; milliseconds from start to ready. */
  async restart(): Promise<number> {
    await this.backend.end("SIGTERM");
    const started = performance.now();
    this.backend = await spawnBackend({ dataDir: this.data.dataDir });
    return performance.now() - started;
  }

  /** Resident memory of the process in MB. */
  residentMb(): number {
    return Number(execFileSync("ps", ["-o", "rss=", "-p", String(this.backend.process.pid)])) / 1024;
  }

  /** As {@link residentMb}, without the store's files that the engine maps: those pages go when others need the room. Linux only. */
  ownMb(): number {
    const path = `/proc/${this.backend.process.pid}/status`;
    const own = existsSync(path) && readFileSync(path, "utf8").match(/^RssAnon:\s+(\d+) kB/m);
    return own ? Number(own[1]) / 1024 : this.residentMb();
  }

  /** Processor time of the process so far, all threads, in ms; null where /proc does not tell. */
  processorMs(): number | null {
    const path = `/proc/${this.backend.process.pid}/stat`;
    if (!existsSync(path)) return null;
    // After the name in brackets: state is field 3, user and system time are fields 14 and 15, in ticks of 10 ms.
    const fields = readFileSync(path, "utf8")
      .replace(/^.*\) /, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  async end(): Promise<void> {
    await this.closeSockets();
    await this.backend.end("SIGTERM");
    this.data.remove();
  }
}
