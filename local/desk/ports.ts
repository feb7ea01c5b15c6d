import { createServer } from "node:net";

/** Whether something could listen on 127.0.0.1:port now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** `port`, or a free one when it is 0. `span` consecutive ports must be free. Throws one sentence otherwise. */
export async function choosePort(port: number, what: string, flag: string, span = 1): Promise<number> {
  if (port !== 0) {
    for (let i = 0; i < span; i++) {
      if (!(await isPortFree(port + i))) {
        throw new Error(
          `Port ${port + i} for the ${what} is busy. Stop what uses it, or choose another with ${flag}.`,
        );
      }
    }
    return port;
  }
  for (let attempt = 0; attempt < 50; attempt++) {
    const candidate = 20_000 + Math.floor(Math.random() * 30_000);
    const free = await Promise.all(Array.from({ length: span }, (_, i) => isPortFree(candidate + i)));
    if (free.every(Boolean)) return candidate;
  }
  throw new Error(`Found no free port for the ${what}. Choose one with ${flag}.`);
}
