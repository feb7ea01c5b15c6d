import { bytesToFloat32, concatBytes, float32ToBytes } from "../../lib/core/bytes";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { err, ok, type Result } from "../../lib/core/result";
import { sha256Hex } from "../../lib/core/sha256";
import type { KernelBuild } from "../../lib/policy/kernel/instance";

/**
 * A training state on disk or in file storage:
 *   magic (12 bytes) | header length (uint32, little endian) | header (canonical JSON, UTF-8)
 *   | float32 arrays, little endian, in the order of header.arrays | SHA-256 of all before it (64 hex bytes)
 * The trailer makes a torn or altered file refuse to load rather than resume a different run.
 */
const MAGIC = new TextEncoder().encode("ASSAY-CKPT2\n");
const TRAILER_BYTES = 64;

export interface CheckpointContent {
  /** JSON-serialisable; canonical JSON refuses NaN and Infinity. */
  state: unknown;
  arrays: Record<string, Float32Array>;
}

export type CheckpointRefusal = "TRUNCATED" | "NOT_A_CHECKPOINT" | "CHECKSUM_MISMATCH" | "MALFORMED";

/** @throws TypeError from canonicalJson when `state` holds something JSON cannot carry. */
export function encodeCheckpoint({ state, arrays }: CheckpointContent): Uint8Array {
  const entries = Object.entries(arrays);
  const shape = entries.map(([name, values]) => ({ name, length: values.length }));
  const header = new TextEncoder().encode(canonicalJson({ arrays: shape, state }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, header.length, true);
  const body = concatBytes(MAGIC, length, header, ...entries.map(([, values]) => float32ToBytes(values)));
  return concatBytes(body, new TextEncoder().encode(sha256Hex(body)));
}

/** Refuses anything but the exact bytes `encodeCheckpoint` wrote. */
export function decodeCheckpoint(bytes: Uint8Array): Result<CheckpointContent, CheckpointRefusal> {
  const headerAt = MAGIC.length + 4;
  if (bytes.length < headerAt + TRAILER_BYTES) return err("TRUNCATED");
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) return err("NOT_A_CHECKPOINT");
  const body = bytes.subarray(0, bytes.length - TRAILER_BYTES);
  const trailer = new TextDecoder().decode(bytes.subarray(bytes.length - TRAILER_BYTES));
  if (trailer !== sha256Hex(body)) return err("CHECKSUM_MISMATCH");
  const headerBytes = new DataView(body.buffer, body.byteOffset).getUint32(MAGIC.length, true);
  let at = headerAt + headerBytes;
  if (at > body.length) return err("MALFORMED");
  const header = JSON.parse(new TextDecoder().decode(body.subarray(headerAt, at))) as {
    arrays: Array<{ name: string; length: number }>;
    state: unknown;
  };
  const arrays: Record<string, Float32Array> = {};
  for (const { name, length } of header.arrays) {
    if (at + length * 4 > body.length) return err("MALFORMED");
    arrays[name] = bytesToFloat32(body.subarray(at, at + length * 4));
    at += length * 4;
  }
  return at === body.length ? ok({ state: header.state, arrays }) : err("MALFORMED");
}

/** @throws Error when a run would go on with other arithmetic than it began with. */
export function assertSameKernel(madeWith: string, { version }: KernelBuild): void {
  if (madeWith === version) return;
  throw new Error(
    `the checkpoint was made with kernel ${madeWith}, this run has ${version}; ` +
      "resume with that kernel, on a machine that has it",
  );
}
