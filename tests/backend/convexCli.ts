import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SpawnedBackend } from "./spawnBackend";

const root = fileURLToPath(new URL("../..", import.meta.url));
const COMMAND = join(root, "node_modules/convex/bin/main.js");

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The stock `npx convex` in a project folder of its own, told of a deployment by the self-hosting variables. */
export class ConvexCli {
  private readonly project: string;

  constructor(
    private readonly backend: Pick<SpawnedBackend, "url">,
    private readonly adminKey: string,
  ) {
    const name = `cli-${process.pid}-${new URL(backend.url).port}`;
    this.project = join(root, "node_modules/.cache/assay-backend-tests", name);
    mkdirSync(join(this.project, "convex"), { recursive: true });
    writeFileSync(join(this.project, "package.json"), JSON.stringify({ dependencies: { convex: "1.48.0" } }));
    writeFileSync(join(this.project, "convex/empty.ts"), "export const nothing = 1;\n");
  }

  start(...args: string[]): ChildProcess {
    const env = {
      NODE_ENV: "production" as const,
      PATH: process.env.PATH,
      HOME: this.project,
      CONVEX_SELF_HOSTED_URL: this.backend.url,
      CONVEX_SELF_HOSTED_ADMIN_KEY: this.adminKey,
    };
    return spawn(process.execPath, [COMMAND, ...args], { cwd: this.project, env, stdio: "pipe" });
  }

  /** Runs one command to its end; `input` is what it reads from its standard input. */
  run(args: string[], input = ""): Promise<CommandResult> {
    const child = this.start(...args);
    child.stdin!.end(input);
    const output = { stdout: "", stderr: "" };
    child.stdout!.on("data", (chunk) => (output.stdout += chunk));
    child.stderr!.on("data", (chunk) => (output.stderr += chunk));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...output })));
  }

  /** Runs a command that must succeed; resolves with its standard output. */
  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args);
    if (code !== 0) throw new Error(`convex ${args.join(" ")} ended with code ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  remove(): void {
    rmSync(this.project, { recursive: true, force: true });
  }
}

/** Resolves with a stream's text as soon as it matches. */
export function untilOutput(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = "";
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer) => {
      text += chunk;
      if (pattern.test(text)) resolve(text);
    };
    child.stdout!.on("data", look);
    child.stderr!.on("data", look);
    child.once("close", (code) => reject(new Error(`ended with code ${code}: ${text}`)));
  });
}
