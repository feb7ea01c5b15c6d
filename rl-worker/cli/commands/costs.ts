/** `assay costs`: fit, inspect and choose the execution-cost model of an instrument. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { api } from "../../../convex/_generated/api";
import type { Id } from "../../../convex/_generated/dataModel";
import { ASSUMED_EXTRAS, COST_MODELS } from "../../../lib/broker/costModels";
import { fitSpread, parseSpreadCsv, type SpreadRow } from "../../../lib/broker/fitCosts";
import type { CostCharge, CostModel } from "../../../lib/broker/types";
import { decodeChunk } from "../../../lib/market/chunk";
import { findInstrument } from "../../../lib/market/instruments";
import { timeframeMs } from "../../../lib/market/timeframe";
import { storedChunks } from "../../jobs/snapshot";
import type { Desk } from "../../transport/desk";
import { CommandError, type Session, UsageError } from "../session";

/** A spread file is a few kilobytes; more is another file. */
const MAX_FILE_BYTES = 20_000_000;

export interface FitOptions {
  file?: string;
  instrument: string;
  source: string;
  pointUsd: number;
  priceUsd?: number;
  fromMonth?: string;
  toMonth?: string;
  charge?: string;
  takerBps?: number;
  makerBps?: number;
  slippageBps?: number;
  slippageP90Bps?: number;
  /** Fit on the fills of these runs instead of a file. */
  fills?: string[];
  /** Put the fitted model in force at once, for this reason. */
  use?: string;
}

export async function fitCosts({ person, service }: Session, options: FitOptions) {
  const { instrument, fills, file } = options;
  if ((file === undefined) === (fills === undefined)) {
    throw new UsageError("Give one of the two: a spread file, or --fills with the runs to learn from");
  }
  const fitted =
    fills === undefined
      ? await fitFile({ person, service }, { ...options, file: file! })
      : await person.mutation(api.costs.console.fitFromFills, { instrument, runs: fills as Id<"runs">[] });
  if (options.use !== undefined) {
    await person.mutation(api.costs.console.use, {
      instrument,
      modelId: fitted.modelId,
      reason: options.use,
    });
  }
  return { ...fitted, instrument, inForce: options.use !== undefined };
}

async function fitFile(
  { person, service }: Pick<Session, "person" | "service">,
  options: FitOptions & { file: string },
) {
  const { file, instrument, pointUsd, priceUsd } = options;
  const found = findInstrument(instrument);
  if (!found.ok) throw new UsageError(found.error);
  const { text, sha256 } = readText(file);
  const parsed = parseSpreadCsv(text, pointUsd);
  if (!parsed.ok) throw new CommandError(`${basename(file)}: ${parsed.error}`);
  const rows = parsed.value;
  const prices =
    priceUsd === undefined ? await monthlyPrices(service, person, options, rows) : new Map<string, number>();
  const fitted = fitSpread({
    rows,
    priceOf: (month) => priceUsd ?? prices.get(month),
    base: baseModel(COST_MODELS[found.value.costModelId]!.model, options),
    name: `${instrument}/spread`,
    fromMonth: options.fromMonth,
    toMonth: options.toMonth,
  });
  if (!fitted.ok) throw new CommandError(`${basename(file)}: ${fitted.error}`);
  const { model, fromMonth, toMonth, bars, hoursMissing } = fitted.value;
  const priceBasis =
    priceUsd === undefined
      ? `median close of each month's stored bars (${options.source})`
      : `${priceUsd} USD`;
  const saved = await person.mutation(api.costs.console.save, {
    ...{ instrument, model },
    source: {
      kind: "spreadFile",
      ...{
        fileName: basename(file),
        fileSha256: sha256,
        rows: rows.length,
        fromMonth,
        toMonth,
        bars,
        priceBasis,
      },
    },
    basis: basisOf(options, found.value.costModelId, hoursMissing),
  });
  return {
    ...saved,
    fileSha256: sha256,
    fromMonth,
    toMonth,
    bars,
    hoursMissing,
    halfSpreadBps: model.halfSpreadBps,
  };
}

function readText(file: string): { text: string; sha256: string } {
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}`);
  const bytes = readFileSync(file);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  try {
    const plain = file.endsWith(".gz") ? gunzipSync(bytes, { maxOutputLength: MAX_FILE_BYTES }) : bytes;
    if (plain.length > MAX_FILE_BYTES) throw new Error("too long");
    return { text: plain.toString("utf8"), sha256 };
  } catch {
    throw new CommandError(
      `${file} is not a spread file: it cannot be unpacked, or is over ${MAX_FILE_BYTES} bytes`,
    );
  }
}

/** What a spread file does not say: the shipped assumptions, or what the command line says instead. */
function baseModel(shipped: CostModel, options: FitOptions): CostModel {
  const slippageBps = options.slippageBps ?? shipped.slippageBps;
  const charge = options.charge ?? "p50";
  if (charge !== "p50" && charge !== "p90" && charge !== "sampled") {
    throw new UsageError(`--charge "${charge}" is not known; use p50, p90 or sampled`);
  }
  return {
    ...shipped,
    takerFeeBps: options.takerBps ?? shipped.takerFeeBps,
    makerFeeBps: options.makerBps ?? shipped.makerFeeBps,
    slippageBps,
    slippageP90Bps: options.slippageP90Bps ?? slippageBps * ASSUMED_EXTRAS.slippageP90Factor,
    latency: { ...ASSUMED_EXTRAS.latency },
    charge: charge satisfies CostCharge,
  };
}

function basisOf(options: FitOptions, shippedId: string, hoursMissing: number[]): string {
  const given = (["takerBps", "makerBps", "slippageBps", "slippageP90Bps"] as const).filter(
    (name) => options[name] !== undefined,
  );
  const missing =
    hoursMissing.length === 0 ? "" : ` Hours ${hoursMissing.join(", ")} have no data: dearest hour.`;
  return (
    `Measured: half spread by hour (UTC).${missing} ` +
    `Stated by the operator: ${given.length === 0 ? "nothing" : given.join(", ")}. ` +
    `Assumed: all else from ${shippedId}; slippage's p90 (unless stated) is ` +
    `${ASSUMED_EXTRAS.slippageP90Factor} times its median; decisions take 150 ms (p50) and 400 ms (p90).`
  );
}

/** Median close of each month of the file, from the coarsest series that the desk stores. */
async function monthlyPrices(
  service: Desk,
  person: Desk,
  { instrument, source, fromMonth, toMonth }: FitOptions,
  rows: readonly SpreadRow[],
): Promise<Map<string, number>> {
  const advice = "import bars of these months, or give --price-usd";
  const series = (await person.query(api.market.console.listSeries, {}))
    .filter((row) => row.instrument === instrument && row.source === source)
    .sort((a, b) => timeframeMs(b.timeframe) - timeframeMs(a.timeframe))[0];
  if (series === undefined)
    throw new CommandError(`No bars of ${instrument} from ${source} are stored; ${advice}`);
  const months = [...new Set(rows.map((row) => row.month))].sort();
  const last = toMonth ?? months.at(-1)!;
  const first = fromMonth ?? months.filter((month) => month <= last).at(-12) ?? months[0]!;
  const closes = new Map<string, number[]>();
  const key = { instrument, source, timeframe: series.timeframe };
  for await (const chunk of storedChunks(service, key, monthStartMs(first, 0), monthStartMs(last, 1))) {
    const { openTimeMs, close } = decodeChunk(chunk.bytes);
    for (let i = 0; i < close.length; i++) {
      const month = new Date(openTimeMs[i]!).toISOString().slice(0, 7);
      const held = closes.get(month);
      if (held === undefined) closes.set(month, [close[i]!]);
      else held.push(close[i]!);
    }
  }
  return new Map(
    [...closes].map(([month, values]) => [month, values.sort((a, b) => a - b)[values.length >> 1]!]),
  );
}

function monthStartMs(month: string, later: number): number {
  if (!/^\d{4}-\d{2}$/.test(month))
    throw new UsageError(`"${month}" is not a month; write one such as 2025-07`);
  const [year, number] = month.split("-").map(Number);
  return Date.UTC(year!, number! - 1 + later, 1);
}

export async function listCosts(person: Desk, instrument: string) {
  const [models, inForce] = await Promise.all([
    person.query(api.costs.console.list, { instrument }),
    person.query(api.costs.console.current, { instrument }),
  ]);
  return {
    inForce: inForce.modelId,
    isMeasured: inForce.isMeasured,
    models: models.map(({ modelId, version, hash, fittedAtMs, source, basis }) => ({
      ...{ modelId, version, hash },
      fittedAt: new Date(fittedAtMs).toISOString(),
      source: source.kind === "spreadFile" ? source.fileName : `${source.fills} fills`,
      basis,
    })),
    history: inForce.history.map(({ kind, modelId, reason, atMs }) => ({
      kind,
      modelId,
      reason,
      at: new Date(atMs).toISOString(),
    })),
  };
}

export async function showCosts(person: Desk, modelId: string) {
  const found = await person.query(api.costs.console.get, { modelId });
  if (found === null)
    throw new CommandError(`Cost model ${modelId} is unknown; see them with: assay costs list`);
  // Through JSON: absent parts of a model are absent in what is printed.
  return JSON.parse(JSON.stringify(found)) as { [key: string]: string };
}

export function putCostsInForce(person: Desk, instrument: string, modelId: string, reason: string) {
  return person.mutation(api.costs.console.use, { instrument, modelId, reason });
}

export function rollBackCosts(person: Desk, instrument: string, reason: string) {
  return person.mutation(api.costs.console.rollback, { instrument, reason });
}
