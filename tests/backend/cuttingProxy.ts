import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { createPrng } from "../../lib/core/prng";

export interface CuttingProxy {
  url: string;
  /** Connections cut so far. */
  cuts: number;
  close(): Promise<void>;
}

/**
 * A TCP proxy double in front of a backend. Each connection gets, from the seed, a number of bytes that may pass in both directions
 * together; the byte after it is lost with everything behind it, and both ends see the connection end. After `maxCuts` of them the
 * proxy lets everything through, so that what was interrupted can come to its end.
 */
export async function startCuttingProxy(
  target: string,
  { seed, maxBytes, maxCuts }: { seed: number; maxBytes: number; maxCuts: number },
): Promise<CuttingProxy> {
  const prng = createPrng(seed);
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    let left = 200 + prng.nextInt(maxBytes);
    const end = () => {
      near.destroy();
      far.destroy();
      open.delete(near);
    };
    const pass = (from: Socket, to: Socket) => {
      from.on("data", (chunk) => {
        if (proxy.cuts === maxCuts || chunk.length <= left) {
          left -= chunk.length;
          to.write(chunk);
          return;
        }
        proxy.cuts++;
        // What was let through still arrives: the cut falls behind it.
        to.write(chunk.subarray(0, left), end);
      });
      from.on("end", () => to.end());
      from.on("close", end);
      from.on("error", end);
    };
    open.add(near);
    pass(near, far);
    pass(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: 0,
    close() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
