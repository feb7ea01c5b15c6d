import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RawSession } from "../backend/rawSession";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const data = temporaryData();
let backend: SpawnedBackend;

beforeAll(async () => {
  backend = await spawnBackend({ dataDir: data.dataDir });
});

afterAll(async () => {
  await backend?.end("SIGTERM");
  data.remove();
});

async function readCounter(name: string): Promise<number> {
  const body = JSON.stringify({ path: "counters:read", args: { name } });
  const response = await fetch(`${backend.url}/api/query`, { method: "POST", body });
  return ((await response.json()) as { value: number }).value;
}

const tsOf = (text: unknown) => Buffer.from(text as string, "base64").readBigUInt64LE(0);

describe("the sync protocol", () => {
  it("answers a repeated mutation request from its record, on another socket too", async () => {
    const sessionId = randomUUID();
    const request = {
      type: "Mutation",
      requestId: 0,
      udfPath: "counters:increment",
      args: [{ name: "repeated" }],
    };
    const results = [];
    for (let i = 0; i < 3; i++) {
      const session = await RawSession.open(backend.url, sessionId);
      session.send(request);
      if (i === 1) session.send(request);
      results.push((await session.next("MutationResponse")).result);
      session.close();
    }
    expect(results).toEqual([1, 1, 1]);
    expect(await readCounter("repeated")).toBe(1);
  });

  it("runs a request again when the record is of another session", async () => {
    const request = {
      type: "Mutation",
      requestId: 0,
      udfPath: "counters:increment",
      args: [{ name: "others" }],
    };
    for (let i = 0; i < 2; i++) {
      const session = await RawSession.open(backend.url);
      session.send(request);
      await session.next("MutationResponse");
      session.close();
    }
    expect(await readCounter("others")).toBe(2);
  });

  it("sends, after each mutation response, a transition that has reached its timestamp", async () => {
    const session = await RawSession.open(backend.url);
    for (let requestId = 0; requestId < 3; requestId++) {
      session.send({
        type: "Mutation",
        requestId,
        udfPath: "counters:increment",
        args: [{ name: "unwatched" }],
      });
      const response = await session.next("MutationResponse");
      const transition = await session.next("Transition");
      const { ts } = transition.endVersion as { ts: string };
      expect(tsOf(ts)).toBeGreaterThanOrEqual(tsOf(response.ts));
    }
    session.close();
  });

  it("chains versions: each transition starts where the last one ended", async () => {
    const session = await RawSession.open(backend.url);
    const add = (queryId: number, name: string) => ({
      type: "Add",
      queryId,
      udfPath: "counters:read",
      args: [{ name }],
    });
    session.send({
      type: "ModifyQuerySet",
      baseVersion: 0,
      newVersion: 1,
      modifications: [add(0, "x"), add(1, "y")],
    });
    const first = await session.next("Transition");
    expect(first.startVersion).toMatchObject({ querySet: 0, identity: 0 });
    session.send({
      type: "ModifyQuerySet",
      baseVersion: 1,
      newVersion: 2,
      modifications: [{ type: "Remove", queryId: 0 }],
    });
    const second = await session.next("Transition");
    expect(second.startVersion).toEqual(first.endVersion);
    expect(second.modifications).toEqual([{ type: "QueryRemoved", queryId: 0 }]);
    session.send({ type: "Authenticate", tokenType: "None", baseVersion: 0 });
    const third = await session.next("Transition");
    expect(third.startVersion).toEqual(second.endVersion);
    expect(third.endVersion).toMatchObject({ querySet: 2, identity: 1 });
    session.close();
  });

  it("does not send a query again whose result did not change", async () => {
    const session = await RawSession.open(backend.url);
    const query = { type: "Add", queryId: 0, udfPath: "counters:isEven", args: [{ name: "parity" }] };
    session.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [query] });
    expect((await session.next("Transition")).modifications).toHaveLength(1);
    session.send({ type: "Mutation", requestId: 0, udfPath: "counters:addTwo", args: [{ name: "parity" }] });
    expect((await session.next("Transition")).modifications).toEqual([]);
    session.close();
  });

  it("ends a session that misuses it with a fatal error, and one with a bad token with an auth error", async () => {
    const early = await RawSession.open(backend.url);
    early.send({ type: "ModifyQuerySet", baseVersion: 7, newVersion: 8, modifications: [] });
    expect((await early.next("FatalError")).error).toMatch(/base version 7/);
    await early.closed;
    const forged = await RawSession.open(backend.url);
    forged.send({ type: "Authenticate", tokenType: "User", value: "not.a.jwt", baseVersion: 0 });
    expect(await forged.next("AuthError")).toMatchObject({ baseVersion: 0, authUpdateAttempted: true });
    await forged.closed;
  });

  it("shares no result of an internal function with those who may not call it", async () => {
    const session = await RawSession.open(backend.url);
    const query = { type: "Add", queryId: 0, udfPath: "messages:hidden", args: [{ body: "x" }] };
    session.send({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [query] });
    const [failed] = (await session.next("Transition")).modifications as Array<{
      type: string;
      errorMessage: string;
    }>;
    expect(failed).toMatchObject({ type: "QueryFailed" });
    expect(failed?.errorMessage).toMatch(/Could not find public function/);
    session.close();
  });
});
