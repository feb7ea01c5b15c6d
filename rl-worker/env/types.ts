import type { RewardTerms } from "./reward";

/** The environment contract every algorithm trains against (docs/environment.md says what the numbers mean). */
export interface StepResult {
  reward: number;
  /** The episode ended by its own rules (ruin, liquidation). */
  terminated: boolean;
  /** The episode was cut by its time limit; bootstrap from the value of the last observation. */
  truncated: boolean;
}

export interface Env {
  readonly observationSize: number;
  readonly actionCount: number;
  /** Starts an episode; `seed` decides every random choice in it. Writes nothing. */
  reset(seed: number): void;
  /** Writes the current observation into out[offset .. offset + observationSize). */
  observe(out: Float32Array, offset: number): void;
  step(action: number): StepResult;
  /** JSON-serialisable state from which `restore` continues bit for bit. */
  snapshot(): unknown;
  restore(state: unknown): void;
  /** No observed value lies beyond it, in either direction. */
  readonly observationLimit?: number;
  /** The last step's reward, term by term; `rewardOf` them is that reward to the bit. */
  lastTerms?(): Readonly<RewardTerms>;
  /** Sums of the terms since the episode began. */
  episodeTerms?(): RewardTerms;
}
