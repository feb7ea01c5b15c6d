import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { PpoShape } from "./ppoTfjs";
import { WALK_ACTIONS, WALK_WIDTH } from "./walkEnv";

const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("./ppo_torch.py", import.meta.url));

export interface TorchPpo {
  version: string;
  /** Of a 1024 x 128 x 128 product. */
  gflops: number;
  run(shape: PpoShape, iterations: number): Promise<{ rates: number[]; hash: string }>;
  stop(): void;
}

/**
 * PyTorch in a process of its own with this many threads, which its BLAS reads from the environment; or the
 * reason why it is not there.
 */
export async function startTorch(threads: number): Promise<TorchPpo | string> {
  const probe = spawnSync(PYTHON, ["-c", "import torch, numpy"], { encoding: "utf8" });
  if (probe.error) return `${PYTHON} cannot be started: ${probe.error.message}`;
  if (probe.status !== 0) {
    return `${probe.stderr.trim().split("\n").at(-1)}; on Debian: apt-get install python3-torch`;
  }
  const child = spawn(PYTHON, [SCRIPT], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, OPENBLAS_NUM_THREADS: String(threads), OMP_NUM_THREADS: String(threads) },
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("ppo_torch.py ended early; its error is above");
    return JSON.parse(value);
  };
  const { torch, gflops } = await next();
  return {
    version: torch,
    gflops,
    async run(shape, iterations) {
      const sizes = { width: WALK_WIDTH, actions: WALK_ACTIONS, rows: 4096 };
      child.stdin.write(`${JSON.stringify({ ...shape, ...sizes, threads, iterations })}\n`);
      return next();
    },
    stop: () => child.stdin.end(),
  };
}
