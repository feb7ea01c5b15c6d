/** Names of agent versions: what an operator must know to tell two of them apart. */
import { canonicalJson } from "../core/canonicalJson";
import { sha256Hex } from "../core/sha256";
import type { Algorithm } from "./algorithms";

export interface VersionMaking {
  algorithm: Algorithm;
  timeframe: string;
  steps: number;
  /** Overrides of the defaults. */
  hyperparameters?: Record<string, number>;
  seed: number;
  datasetHash: string;
}

/** More settings than this are named by their count and a hash: a name must fit in a table. */
const SETTINGS_SPELLED = 2;

/** 300000 as 300k, 1500000 as 1.5M; a number that is not round stays whole. */
function steps(count: number): string {
  if (count >= 1_000_000 && count % 100_000 === 0) return `${count / 1_000_000}M`;
  if (count >= 1_000 && count % 1_000 === 0) return `${count / 1_000}k`;
  return String(count);
}

function settings(hyperparameters: Record<string, number>): string[] {
  const entries = Object.entries(hyperparameters).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length <= SETTINGS_SPELLED) return entries.map(([name, value]) => `${name}=${value}`);
  return [`${entries.length}settings.${sha256Hex(canonicalJson(hyperparameters)).slice(0, 4)}`];
}

/** For example `ppo-15m-300k-learningRate=0.001-s1-ed594e`: algorithm, timeframe, steps, settings, seed, dataset. */
export function versionName({ algorithm, timeframe, hyperparameters = {}, ...made }: VersionMaking): string {
  return [
    ...[algorithm, timeframe, steps(made.steps), ...settings(hyperparameters)],
    ...[`s${made.seed}`, made.datasetHash.slice(0, 6)],
  ].join("-");
}
