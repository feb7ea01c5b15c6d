import { randomUUID } from "node:crypto";
import WebSocket from "ws";

export interface ServerMessage {
  type: string;
  [field: string]: unknown;
}

/** A sync socket without the client library: sends messages as written and hands out what arrives, in order. */
export class RawSession {
  private readonly arrived: ServerMessage[] = [];
  private wake = () => {};
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(private readonly socket: WebSocket) {
    socket.on("message", (text) => {
      this.arrived.push(JSON.parse(String(text)) as ServerMessage);
      this.wake();
    });
    this.closed = new Promise((resolve) =>
      socket.on("close", (code, reason) => resolve({ code, reason: String(reason) })),
    );
  }

  static async open(url: string, sessionId: string = randomUUID()): Promise<RawSession> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/api/1.48.0/sync`);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    const session = new RawSession(socket);
    session.send({ type: "Connect", sessionId, connectionCount: 0, lastCloseReason: null, clientTs: 0 });
    return session;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Next message of that type; others before it are dropped. */
  async next(type: string): Promise<ServerMessage> {
    for (;;) {
      const message = this.arrived.shift();
      if (message?.type === type) return message;
      if (!message) await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /** Leaves what arrives in the network, as a client that hangs does. */
  stopReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }

  close(): void {
    this.socket.close();
  }
}
