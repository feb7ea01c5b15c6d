import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { createPrng, type Prng } from "../../lib/core/prng";
import { Backend } from "../../local/backend/backend";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { SYSTEM_CALL } from "../../local/backend/runtime/runner";
import { Transaction } from "../../local/backend/transaction/transaction";
import { createMemoryStore } from "./memoryStore";
import { SimulatedClient } from "./simulatedClient";
import { SimulatedDisk } from "./simulatedDisk";
import { VirtualTime } from "./virtualTime";

const FUNCTIONS = fileURLToPath(new URL("./fixtures/bank/convex", import.meta.url));
const START_MS = Date.parse("2026-01-05T00:00:00Z");
const NAMES = ["ann", "bob", "cyd", "dan", "eve"];
const BALANCE = 100;
const TOTAL = NAMES.length * BALANCE;
const CLIENTS = 4;
/** Period of the cron in the functions folder. */
const BEAT_MS = 3000;

interface Book {
  transfers: string[];
  settled: string[];
  notices: string[];
  beats: number[];
  receipts: Array<{ request: string; file: string }>;
  jobs: string[];
}

function expectOnce(requests: string[]): void {
  expect(requests.length).toBe(new Set(requests).size);
}

/** A whole system under one seed: a backend that dies again and again, clients, a scheduler, crons, files. */
export class BankWorld {
  private readonly prng: Prng;
  private readonly time = new VirtualTime(START_MS);
  private readonly disk: SimulatedDisk;
  private backend: Backend | null = null;
  private endProcess = () => {};
  private readonly clients: SimulatedClient[];
  private readonly log = createHash("sha256");
  private isDiskFull = false;
  private isOver = false;
  readonly acknowledged = new Set<string>();
  readonly uploaded = new Map<string, string>();
  readonly seen = { lines: 0, deaths: 0, refusals: 0, fullDisks: 0, deathsWhileOpening: 0 };

  constructor(readonly seed: number) {
    this.prng = createPrng(seed);
    this.disk = new SimulatedDisk(this.prng);
    this.clients = Array.from({ length: CLIENTS }, (_, i) => {
      return new SimulatedClient(
        this.time,
        this.prng,
        `client${i}`,
        () => this.backend,
        ["bank:total", "bank:newest"],
        (queryId, value) => {
          this.note("value", { i, queryId, value });
          // Before the accounts are open the sum is 0; at no time is it anything else but the total.
          if (queryId === 0 && value !== 0) expect(value).toBe(TOTAL);
        },
      );
    });
  }

  private note(event: string, fields: object): void {
    this.seen.lines++;
    this.log.update(`${this.time.nowMs} ${event} ${JSON.stringify(fields)}\n`);
  }

  /** Starts the backend; when the disk is set to hang, the start is cut short and tried again. */
  private async open(): Promise<void> {
    for (;;) {
      const ports = this.time.process(this.prng);
      this.disk.instant = true;
      const hung = new Promise<null>((resolve) => (this.disk.onHang = () => resolve(null)));
      const opened = await Promise.race([
        hung,
        Backend.open({
          functionsDir: FUNCTIONS,
          dataDir: "/nonexistent/simulated",
          adminKey: null,
          environment: {},
          log: (level, event, fields) => this.note("log", { level, event, ...fields }),
          ports,
          disk: this.disk.mount(ports),
          urls: { cloud: "http://cloud", site: "http://site" },
          onFatal: () => {
            this.isDiskFull = true;
          },
        }),
      ]);
      this.disk.instant = false;
      this.disk.hangAfterWrites = Number.POSITIVE_INFINITY;
      this.endProcess = () => ports.end();
      if (opened) {
        this.backend = opened;
        return;
      }
      this.seen.deathsWhileOpening++;
      ports.end();
      this.disk.end("powerCut");
    }
  }

  private async die(how: "kill" | "powerCut"): Promise<void> {
    this.note("dies", { how });
    this.seen.deaths++;
    this.endProcess();
    this.backend = null;
    this.disk.end(how);
    for (const client of this.clients) client.cut(true);
    await this.checkRows();
    if (this.prng.nextInt(3) === 0) this.disk.hangAfterWrites = this.prng.nextInt(3);
    await this.open();
    await this.checkBook();
  }

  private async checkRows(): Promise<void> {
    const store = createMemoryStore();
    const { rows } = this.disk.contents();
    await store.write(
      rows.keys.map((key, i) => [key, rows.values[i]!]),
      { durable: true },
    );
    expect(await findIndexFaults(store)).toEqual([]);
  }

  private async book(): Promise<Book> {
    const outcome = await this.backend!.runner.queryNow("bank:book", {}, SYSTEM_CALL);
    if (!outcome.ok) throw new Error(outcome.errorMessage);
    return JSON.parse(outcome.valueText) as Book;
  }

  private async checkBook(): Promise<Book> {
    const book = await this.book();
    const present = new Set([...book.transfers, ...book.receipts.map(({ request }) => request)]);
    expect([...this.acknowledged].filter((request) => !present.has(request))).toEqual([]);
    for (const requests of [book.transfers, book.settled, book.notices]) expectOnce(requests);
    for (const request of book.settled) expect(book.transfers).toContain(request);
    for (const request of book.notices) expect(book.settled).toContain(request);
    // Every due time has at most one run: the latest one missed while the backend was dead is caught up late.
    const dueMs = this.nextBeatMs();
    expectOnce(book.beats.map((atMs) => String(Math.floor((atMs - dueMs) / BEAT_MS))));
    const files = new Map(this.disk.contents().files);
    for (const { request, file } of book.receipts) await this.checkFile(file, `bytes of ${request}`, files);
    for (const [file, text] of this.uploaded) await this.checkFile(file, text, files);
    return book;
  }

  private nextBeatMs(): number {
    const row = this.disk.contents().rows.values.find((text) => text.includes('"name":"beat"'));
    return Number(row!.match(/"nextRunMs":(\d+)/)![1]);
  }

  private async checkFile(storageId: string, text: string, files: Map<string, Uint8Array>): Promise<void> {
    const tx = this.backend!.committer.snapshot();
    const reading = new Transaction(tx, this.backend!.catalog, [], null, null);
    const url = await this.backend!.files.urlOf(reading, storageId);
    tx.release();
    expect(Buffer.from(files.get(url!.split("/").at(-1)!)!).toString()).toBe(text);
  }

  /** One client's work until the world is over: transfers, now and then an upload or a cut connection. */
  private async work(client: SimulatedClient, i: number): Promise<void> {
    const { prng } = this;
    for (let n = 0; !this.isOver; n++) {
      await this.time.sleep(prng.nextInt(300));
      const request = `${i}/${n}`;
      const dice = prng.nextInt(20);
      if (dice === 0) client.cut(false);
      else if (dice < 3) await this.upload(client, request);
      else {
        const from = NAMES[prng.nextInt(NAMES.length)]!;
        const to = NAMES[(NAMES.indexOf(from) + 1 + prng.nextInt(NAMES.length - 1)) % NAMES.length]!;
        const amount = 1 + prng.nextInt(120);
        const settleAfterMs = prng.nextInt(2) * prng.nextInt(5000);
        const args = { request, from, to, amount, settleAfterMs };
        const { success, result } = await client.mutate("bank:transfer", args);
        this.note("answer", { request, success, result });
        if (success) this.acknowledged.add(request);
        else this.seen.refusals++;
      }
    }
  }

  private async upload(client: SimulatedClient, request: string): Promise<void> {
    const { backend } = this;
    if (!backend) return;
    const text = `bytes of ${request}`;
    const body = async function* () {
      yield Buffer.from(text);
    };
    // An upload that a crash interrupts never answers; its client goes on.
    const stored = backend.files
      .store(body() as never, "text/plain", null, backend.catalog.root)
      .catch(() => null);
    const gaveUp = this.time.sleep(100).then(() => null);
    const file = await Promise.race([stored, gaveUp]);
    if (file === null) return;
    this.uploaded.set(file, text);
    const { success } = await client.mutate("bank:receive", { request, file });
    if (success) this.acknowledged.add(request);
  }

  /** Runs the story; resolves with digests of its log and of the final disk. */
  async run(deaths: number): Promise<{ log: string; state: string }> {
    await this.open();
    this.disk.instant = true;
    const args = { names: NAMES, balance: BALANCE };
    const opened = await this.backend!.runner.mutation("bank:open", args, SYSTEM_CALL);
    expect(opened.value.ok).toBe(true);
    this.disk.instant = false;
    return this.story(deaths);
  }

  private async story(deaths: number): Promise<{ log: string; state: string }> {
    for (const client of this.clients) client.connect();
    const working = this.clients.map((client, i) => this.work(client, i));
    for (let death = 0; death < deaths; death++) {
      if (this.prng.nextInt(4) === 0) this.disk.roomBytes = this.prng.nextInt(20_000);
      await this.time.runUntil(this.time.nowMs + 200 + this.prng.nextInt(4000), () => this.isDiskFull);
      if (this.isDiskFull) this.seen.fullDisks++;
      this.isDiskFull = false;
      this.disk.roomBytes = Number.POSITIVE_INFINITY;
      await this.die(this.prng.nextInt(2) === 0 ? "kill" : "powerCut");
    }
    this.isOver = true;
    await this.time.runUntil(this.time.nowMs + 20_000);
    // A client that still waits for an answer now waits for ever.
    expect(await Promise.race([Promise.all(working).then(() => "done"), this.time.settle()])).toBe("done");
    const book = await this.checkBook();
    expect([...book.settled].sort()).toEqual([...book.transfers].sort());
    expect(book.jobs.filter((kind) => kind === "pending" || kind === "inProgress")).toEqual([]);
    for (const client of this.clients) expect(client.values.get(0)).toBe(TOTAL);
    for (const client of this.clients)
      expect(client.values.get(1)).toEqual(book.transfers.slice(-3).reverse());
    await this.time.settle();
    await this.checkRows();
    const state = createHash("sha256");
    const { rows, files } = this.disk.contents();
    for (let i = 0; i < rows.keys.length; i++) state.update(`${rows.keys[i]}\0${rows.values[i]}\n`, "latin1");
    for (const [name, bytes] of files) state.update(name).update(bytes);
    this.endProcess();
    return { log: this.log.digest("hex"), state: state.digest("hex") };
  }
}
