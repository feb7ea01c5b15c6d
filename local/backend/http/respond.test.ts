import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { sendJson } from "./respond";

/** A connection that takes what is written only when it is told to, and looks at the bytes only then, as a full socket does. */
class SlowWire extends Duplex {
  private waiting: Array<{ chunks: Buffer[]; done: () => void }> = [];
  taken = "";

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.waiting.push({ chunks: [chunk], done });
  }

  override _writev(chunks: Array<{ chunk: Buffer }>, done: () => void): void {
    this.waiting.push({ chunks: chunks.map(({ chunk }) => chunk), done });
  }

  async arrive(): Promise<void> {
    while (this.waiting.length > 0) {
      const { chunks, done } = this.waiting.shift()!;
      this.taken += Buffer.concat(chunks).toString("utf8");
      done();
      await new Promise(setImmediate);
    }
  }

  get body(): string {
    return this.taken.slice(this.taken.indexOf("\r\n\r\n") + 4);
  }
}

/** A JSON array that is another one for each letter. */
const bodyOf = (letter: string, chars: number) => ["[", JSON.stringify(letter.repeat(chars)), ',"é😀"', "]"];

function answer(letter: string, chars: number): SlowWire {
  const wire = new SlowWire();
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  response.assignSocket(wire as unknown as Socket);
  // As the server does.
  response.on("finish", () => response.detachSocket(wire as unknown as Socket));
  response.on("finish", () => response.emit("close"));
  sendJson(response, 200, ...bodyOf(letter, chars));
  return wire;
}

const LARGE = 100_000;

describe("a JSON answer", () => {
  it("arrives as it was written, whatever its size", async () => {
    for (const chars of [1, 8_000, 9_000, LARGE, 340_000, 360_000]) {
      const wire = answer("漢", chars);
      await wire.arrive();
      const text = bodyOf("漢", chars).join("");
      expect(wire.body).toBe(text);
      expect(wire.taken).toContain(`Content-Length: ${Buffer.byteLength(text)}\r\n`);
    }
  });

  it("is not touched by the answers that are written while it is being sent", async () => {
    const wires = ["a", "b", "c"].map((letter) => answer(letter, LARGE));
    for (const wire of wires.reverse()) await wire.arrive();
    expect(wires.map(({ body }) => body)).toEqual(["c", "b", "a"].map((l) => bodyOf(l, LARGE).join("")));
  });
});
