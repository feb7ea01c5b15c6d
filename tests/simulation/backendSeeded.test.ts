import { describe, expect, it } from "vitest";
import { BankWorld } from "../backend/bankWorld";

/** SIMULATION_SEEDS asks for more; SIMULATION_FROM starts elsewhere, to look at one seed again. */
const SEEDS = Number(process.env.SIMULATION_SEEDS ?? 24);
const FROM = Number(process.env.SIMULATION_FROM ?? 1);
const DEATHS = 4;

describe(`a whole backend in virtual time, under ${SEEDS} seeds (D-09)`, () => {
  it(
    "loses no acknowledged write, runs jobs as promised, and shows every client consistent sums",
    async () => {
      const seen = {
        deaths: 0,
        refusals: 0,
        fullDisks: 0,
        deathsWhileOpening: 0,
        acknowledged: 0,
        uploads: 0,
      };
      for (let seed = FROM; seed < FROM + SEEDS; seed++) {
        const world = new BankWorld(seed);
        await world.run(DEATHS).catch((error) => {
          throw Object.assign(error as Error, { message: `seed ${seed}: ${(error as Error).message}` });
        });
        seen.deaths += world.seen.deaths;
        seen.refusals += world.seen.refusals;
        seen.fullDisks += world.seen.fullDisks;
        seen.deathsWhileOpening += world.seen.deathsWhileOpening;
        seen.acknowledged += world.acknowledged.size;
        seen.uploads += world.uploaded.size;
      }
      // A simulation in which nothing happens proves nothing.
      for (const count of Object.values(seen)) expect(count).toBeGreaterThanOrEqual(Math.floor(SEEDS / 4));
    },
    120_000 + SEEDS * 10_000,
  );

  it("tells the same story twice for the same seed, and another for another", async () => {
    const tell = (seed: number) => new BankWorld(seed).run(DEATHS);
    const first = await tell(FROM);
    expect(await tell(FROM)).toEqual(first);
    expect((await tell(FROM + 1)).log).not.toBe(first.log);
  });
});
