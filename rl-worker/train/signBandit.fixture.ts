import { createPrng, type Prng, prngFromState } from "../../lib/core/prng";
import type { Env, StepResult } from "../env/types";

/** A test double: pays 1 when the action names the sign of the first field; 20 steps an episode. */
export class SignBandit implements Env {
  readonly observationSize = 3;
  readonly actionCount = 2;
  private prng: Prng = createPrng(0);
  private signal = 0;
  private noise = 0;
  private left = 0;
  constructor(private readonly reward: (right: boolean) => number = (right) => (right ? 1 : 0)) {}
  reset(seed: number): void {
    this.prng = createPrng(seed);
    this.left = 20;
    this.draw();
  }
  observe(out: Float32Array, offset: number): void {
    out.set([this.signal, this.noise, 1], offset);
  }
  step(action: number): StepResult {
    const reward = this.reward(action === (this.signal > 0 ? 1 : 0));
    this.left--;
    this.draw();
    return { reward, terminated: false, truncated: this.left === 0 };
  }
  snapshot(): unknown {
    return { prng: this.prng.state(), signal: this.signal, noise: this.noise, left: this.left };
  }
  restore(state: unknown): void {
    const s = state as { prng: number[]; signal: number; noise: number; left: number };
    this.prng = prngFromState(s.prng);
    ({ signal: this.signal, noise: this.noise, left: this.left } = s);
  }
  private draw(): void {
    this.signal = this.prng.nextGaussian();
    this.noise = this.prng.nextGaussian();
  }
}

/** What a training thread imports; `data` is a number of steps after which every bandit throws, 0 for never. */
export function makeEnvs(data: unknown): () => Env {
  const throwsAfter = data as number;
  return () => {
    let steps = 0;
    return new SignBandit((right) => {
      if (++steps === throwsAfter) throw new RangeError(`step ${steps} is broken`);
      return right ? 1 : 0;
    });
  };
}
