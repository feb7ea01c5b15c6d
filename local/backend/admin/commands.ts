import { existsSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { CATALOG_KEY } from "../catalog/catalog";
import { folderDisk } from "../store/folderDisk";
import { OperatorError } from "../store/store";
import { adminKeyOf } from "./adminKey";
import { restoreBackup, verifyBackup, writeBackup } from "./backup";

export const COMMANDS_USAGE = `       backend backup --to FILE (--url URL (--admin-key KEY | --admin-key-file FILE) | --data DIR)
       backend restore --from FILE --data DIR`;

/** A step every so many bytes on stderr, for work that takes minutes. */
function progress(what: string): (bytes: number) => void {
  const startedAt = performance.now();
  let total = 0;
  let saidAt = startedAt;
  return (bytes) => {
    total += bytes;
    const now = performance.now();
    if (now - saidAt < 2000) return;
    saidAt = now;
    const mebibytes = total / (1 << 20);
    const rate = mebibytes / ((now - startedAt) / 1000);
    process.stderr.write(`${what}: ${mebibytes.toFixed(0)} MiB, ${rate.toFixed(0)} MiB/s\n`);
  };
}

/** The bytes of a backup that a running backend makes. Throws OperatorError. */
async function* fromServer(url: string, adminKey: string): AsyncGenerator<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(new URL("/api/backup", url), { headers: { Authorization: `Convex ${adminKey}` } });
  } catch (error) {
    const { cause } = error as { cause?: Error };
    throw new OperatorError(`No backend answers at ${url}: ${cause?.message ?? error}`);
  }
  if (!response.ok) {
    const { message } = (await response.json().catch(() => ({}))) as { message?: string };
    throw new OperatorError(`The backend at ${url} refused the backup: ${message ?? response.status}`);
  }
  yield* response.body as unknown as AsyncIterable<Uint8Array>;
}

async function backup(to: string, from: { url: string; adminKey: string } | { dataDir: string }) {
  if (existsSync(to)) throw new OperatorError(`The file ${to} is there already. Choose another name.`);
  if (!existsSync(dirname(to)))
    throw new OperatorError(
      `The folder ${dirname(to)} does not exist. Make it first, or choose another --to.`,
    );
  const partial = `${to}.partial`;
  rmSync(partial, { force: true });
  const said = progress("backup");
  try {
    const file = await open(partial, "wx");
    try {
      const sink = async (bytes: Uint8Array) => {
        said(bytes.byteLength);
        await file.writeFile(bytes);
      };
      if ("url" in from) for await (const bytes of fromServer(from.url, from.adminKey)) await sink(bytes);
      else {
        const disk = folderDisk(from.dataDir);
        if (!existsSync(from.dataDir)) throw new OperatorError(`There is no data folder ${from.dataDir}.`);
        const store = await disk.openStore();
        const source = { rows: store, catalog: store.get(CATALOG_KEY), files: disk.files };
        await writeBackup(source, sink, Date.now()).finally(() => store.close());
      }
      await file.sync();
    } finally {
      await file.close();
    }
    // What was written is read again: a broken connection or a bad disk shows now, not on the day it is needed.
    const { rows, files } = await verifyBackup(partial);
    await rename(partial, to);
    process.stdout.write(`backup ${to}: ${rows} rows, ${files} files, checked\n`);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** Runs `backup` or `restore`; false when the arguments name neither. Throws OperatorError. */
export async function runCommand([command, ...args]: string[]): Promise<boolean> {
  if (command !== "backup" && command !== "restore") return false;
  const { values } = parseArgs({
    args,
    options: {
      url: { type: "string" },
      "admin-key": { type: "string" },
      "admin-key-file": { type: "string" },
      data: { type: "string" },
      to: { type: "string" },
      from: { type: "string" },
    },
  });
  const usage = () => new OperatorError(`usage:\n${COMMANDS_USAGE}`);
  if (command === "restore") {
    if (!values.from || !values.data) throw usage();
    const { rows, files } = await restoreBackup(resolve(values.from), resolve(values.data));
    process.stdout.write(`restored ${values.data}: ${rows} rows, ${files} files\n`);
    return true;
  }
  const url = values.url ?? (values.data ? undefined : process.env.CONVEX_SELF_HOSTED_URL);
  const adminKey =
    adminKeyOf(values["admin-key"], values["admin-key-file"]) ?? process.env.CONVEX_SELF_HOSTED_ADMIN_KEY;
  if (!values.to || (!url && !values.data)) throw usage();
  if (url && !adminKey)
    throw new OperatorError(
      "A backup of a running backend needs --admin-key, --admin-key-file (or CONVEX_SELF_HOSTED_ADMIN_KEY).",
    );
  await backup(resolve(values.to), url ? { url, adminKey: adminKey! } : { dataDir: resolve(values.data!) });
  return true;
}
