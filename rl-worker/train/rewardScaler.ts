export interface RewardScalerState {
  count: number;
  mean: number;
  m2: number;
  discounted: number[];
}

/**
 * Divides rewards by the running standard deviation of the discounted return, as VecNormalize of OpenAI
 * baselines does, so that one set of hyper-parameters fits markets of any volatility. Welford's update.
 */
export class RewardScaler {
  private constructor(
    private readonly gamma: number,
    private readonly s: RewardScalerState,
  ) {}

  static create(gamma: number, envCount: number): RewardScaler {
    return new RewardScaler(gamma, { count: 0, mean: 0, m2: 0, discounted: new Array(envCount).fill(0) });
  }

  static fromState(gamma: number, state: RewardScalerState): RewardScaler {
    return new RewardScaler(gamma, { ...state, discounted: [...state.discounted] });
  }

  /** The scaled reward of one environment's step, clipped to [-10, 10]. */
  scale(env: number, reward: number, ended: boolean): number {
    const s = this.s;
    const value = s.discounted[env]! * this.gamma + reward;
    s.discounted[env] = ended ? 0 : value;
    s.count++;
    const delta = value - s.mean;
    s.mean += delta / s.count;
    s.m2 += delta * (value - s.mean);
    // Until two values differ there is no deviation to divide by.
    if (s.m2 <= 0) return Math.max(-10, Math.min(10, reward));
    return Math.max(-10, Math.min(10, reward / Math.sqrt(s.m2 / s.count + 1e-12)));
  }

  state(): RewardScalerState {
    return { ...this.s, discounted: [...this.s.discounted] };
  }
}
