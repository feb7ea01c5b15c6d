import { describe, expect, it } from "vitest";
import { createPrng } from "../core/prng";
import { ENCODED } from "./kernel/reference.fixture";
import {
  checkWeights,
  defaultFusionUnits,
  initialWeights,
  networkLayers,
  weightsHeldAtZero,
} from "./network";
import type { EncoderSpec, NetworkSpec } from "./types";

const ENCODER = ENCODED.encoder!;
const withEncoder = (change: Partial<EncoderSpec>): NetworkSpec => ({
  ...ENCODED,
  encoder: { ...ENCODER, ...change },
});

describe("encoder", () => {
  it("stands with its fusion below the hidden layers of every trunk", () => {
    const shapes = networkLayers({ ...ENCODED, trunk: "separate" }).map(({ name, from, inputs, outputs }) => [
      name,
      from,
      inputs,
      outputs,
    ]);
    expect(shapes).toEqual([
      ["encoder", "observation", 11, 9],
      ["fusion", "encoder", 9, 5],
      ["dense_1", "fusion", 5, 9],
      ["policy_logits", "dense_1", 9, 3],
      ["value_encoder", "observation", 11, 9],
      ["value_fusion", "value_encoder", 9, 5],
      ["value_dense_1", "value_fusion", 5, 9],
      ["value", "value_dense_1", 9, 1],
    ]);
  });

  it("starts with orthogonal weights in each group's block and zeros in all others", () => {
    const weights = initialWeights(ENCODED, createPrng(3));
    const held = new Set(weightsHeldAtZero(ENCODED));
    const { groups, units } = ENCODER;
    const outputs = groups.length * units;
    for (const [g, { columns }] of groups.entries()) {
      const column = (unit: number) => columns.map((c) => weights[c * outputs + g * units + unit]!);
      for (let a = 0; a < units; a++) {
        for (let b = 0; b <= a; b++) {
          const dot = column(a).reduce((sum, x, i) => sum + x * column(b)[i]!, 0);
          expect(dot).toBeCloseTo(a === b ? 2 : 0, 5);
        }
      }
      for (const c of columns) {
        for (let o = 0; o < outputs; o++) {
          const isOwn = Math.floor(o / units) === g;
          expect(held.has(c * outputs + o)).toBe(!isOwn);
          expect(weights[c * outputs + o] === 0).toBe(!isOwn);
        }
      }
    }
  });

  it("refuses weights with one number where a column would reach another group's encoder", () => {
    const weights = initialWeights(ENCODED, createPrng(3));
    for (const at of weightsHeldAtZero(ENCODED)) {
      const leaking = weights.slice();
      leaking[at] = 1e-30;
      expect(() => checkWeights(ENCODED, leaking)).toThrow(/another group and must be 0/);
    }
    expect(() => checkWeights(ENCODED, weights)).not.toThrow();
  });

  it.each<[string, Partial<EncoderSpec>, RegExp]>([
    ["no units", { units: 0 }, /encoder.units must be an integer in 1 .. 256, got 0/],
    ["half a unit", { units: 2.5 }, /encoder.units must be an integer in 1 .. 256, got 2.5/],
    ["too wide a fusion", { fusionUnits: 4096 }, /encoder.fusionUnits must be .* 1 .. 2048, got 4096/],
    ["one group", { groups: [{ name: "all", columns: [0] }] }, /encoder.groups.length must be .* 2 .. 64/],
    [
      "a column twice",
      { groups: [...ENCODER.groups, { name: "again", columns: [3] }] },
      /column 3 is in "1h" and in "again"/,
    ],
    [
      "a column that is not there",
      { groups: [...ENCODER.groups, { name: "more", columns: [11] }] },
      /group "more": column must be an integer in 0 .. 10, got 11/,
    ],
    ["a column left out", { groups: ENCODER.groups.slice(0, 2) }, /column 5 is in no group/],
    [
      "an empty group",
      { groups: [...ENCODER.groups, { name: "none", columns: [] }] },
      /"none" with 0 columns/,
    ],
    [
      "a name twice",
      { groups: ENCODER.groups.map(({ columns }) => ({ name: "same", columns })) },
      /different names/,
    ],
  ])("refuses %s", (_, change, message) => {
    expect(() => networkLayers(withEncoder(change))).toThrow(message);
  });

  it("fuses to ceil(sqrt(Z)) by default", () => {
    expect(defaultFusionUnits(4, 8)).toBe(6);
    expect(defaultFusionUnits(2, 8)).toBe(4);
    expect(defaultFusionUnits(3, 3)).toBe(3);
  });
});
