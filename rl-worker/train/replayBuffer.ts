/**
 * The last transitions of several environments, each over n steps. The two observations of a transition lie in
 * stores that the networks gather from; everything else lies here.
 */
export interface ReplayOptions {
  capacity: number;
  observationSize: number;
  envCount: number;
  nStep: number;
  gamma: number;
  /** Row i: the observation that transition i starts from. */
  stored: Float32Array;
  /** Row i: the observation that it bootstraps from. */
  storedNext: Float32Array;
}

/** What a checkpoint holds besides `arrays`. */
export interface ReplayState {
  size: number;
  head: number;
  pendingCounts: number[];
}

export class ReplayBuffer {
  /** Transitions held. */
  size = 0;
  readonly actions: Uint8Array;
  /** Discounted sum of the rewards of the n steps. */
  readonly rewards: Float32Array;
  /** Factor of the bootstrap value: gamma^n, or 0 where the episode ended by itself. */
  readonly discounts: Float32Array;
  /** Where the next transition goes. */
  private head = 0;
  private readonly pendingCounts: Uint32Array;
  private readonly pendingObservations: Float32Array;
  private readonly pendingActions: Uint8Array;
  private readonly pendingRewards: Float32Array;

  constructor(
    private readonly o: ReplayOptions,
    private readonly onAdd: (index: number) => void = () => {},
  ) {
    const { capacity, observationSize, envCount, nStep } = o;
    this.actions = new Uint8Array(capacity);
    this.rewards = new Float32Array(capacity);
    this.discounts = new Float32Array(capacity);
    this.pendingCounts = new Uint32Array(envCount);
    this.pendingObservations = new Float32Array(envCount * nStep * observationSize);
    this.pendingActions = new Uint8Array(envCount * nStep);
    this.pendingRewards = new Float32Array(envCount * nStep);
  }

  /**
   * One step of one environment: what it saw (row `env` of `before`), did and earned, and what it saw after
   * (row `env` of `after`). At an episode's end every step under way becomes a transition: without a bootstrap
   * when it terminated, with the value of the last observation when it was cut by a time limit.
   */
  add(
    env: number,
    before: Float32Array,
    action: number,
    reward: number,
    after: Float32Array,
    end: { terminated: boolean; truncated: boolean },
  ): void {
    const { observationSize, nStep } = this.o;
    const count = this.pendingCounts[env]!;
    const slot = env * nStep + count;
    const from = env * observationSize;
    this.pendingObservations.set(before.subarray(from, from + observationSize), slot * observationSize);
    this.pendingActions[slot] = action;
    this.pendingRewards[slot] = reward;
    this.pendingCounts[env] = count + 1;
    const last = after.subarray(from, from + observationSize);
    if (end.terminated || end.truncated) {
      while (this.pendingCounts[env]! > 0) this.emit(env, last, end.terminated);
    } else if (this.pendingCounts[env] === nStep) this.emit(env, last, false);
  }

  /** Makes the oldest step under way a transition that ends in `last`. */
  private emit(env: number, last: Float32Array, terminated: boolean): void {
    const { capacity, observationSize, nStep, gamma, stored, storedNext } = this.o;
    const count = this.pendingCounts[env]!;
    const first = env * nStep;
    let reward = 0;
    let discount = 1;
    for (let i = 0; i < count; i++) {
      reward += discount * this.pendingRewards[first + i]!;
      discount *= gamma;
    }
    const at = this.head;
    const from = first * observationSize;
    stored.set(this.pendingObservations.subarray(from, from + observationSize), at * observationSize);
    storedNext.set(last, at * observationSize);
    this.actions[at] = this.pendingActions[first]!;
    this.rewards[at] = reward;
    this.discounts[at] = terminated ? 0 : discount;
    this.pendingObservations.copyWithin(from, from + observationSize, from + count * observationSize);
    this.pendingActions.copyWithin(first, first + 1, first + count);
    this.pendingRewards.copyWithin(first, first + 1, first + count);
    this.pendingCounts[env] = count - 1;
    this.head = (at + 1) % capacity;
    if (this.size < capacity) this.size++;
    this.onAdd(at);
  }

  state(): ReplayState {
    return { size: this.size, head: this.head, pendingCounts: [...this.pendingCounts] };
  }

  /** Everything else, as single-precision arrays that a checkpoint can carry. */
  arrays(): Record<string, Float32Array> {
    const { observationSize, stored, storedNext } = this.o;
    return {
      replayStored: stored.slice(0, this.size * observationSize),
      replayNext: storedNext.slice(0, this.size * observationSize),
      replayActions: Float32Array.from(this.actions.subarray(0, this.size)),
      replayRewards: this.rewards.slice(0, this.size),
      replayDiscounts: this.discounts.slice(0, this.size),
      pendingObservations: this.pendingObservations.slice(),
      pendingActions: Float32Array.from(this.pendingActions),
      pendingRewards: this.pendingRewards.slice(),
    };
  }

  /** Continues from `state()` and `arrays()` of a buffer with the same options. */
  restore(state: ReplayState, arrays: Record<string, Float32Array>): void {
    this.size = state.size;
    this.head = state.head;
    this.pendingCounts.set(state.pendingCounts);
    this.o.stored.set(arrays.replayStored!);
    this.o.storedNext.set(arrays.replayNext!);
    this.actions.set(arrays.replayActions!);
    this.rewards.set(arrays.replayRewards!);
    this.discounts.set(arrays.replayDiscounts!);
    this.pendingObservations.set(arrays.pendingObservations!);
    this.pendingActions.set(arrays.pendingActions!);
    this.pendingRewards.set(arrays.pendingRewards!);
  }
}

/**
 * Sums of priorities in a binary tree: a leaf per transition, so that drawing one in proportion to its priority
 * and changing a priority both take log2(capacity) steps. Leaves hold single precision, so that a tree rebuilt
 * from them has the same bits.
 */
export class SumTree {
  private readonly leaves: number;
  private readonly nodes: Float64Array;

  constructor(capacity: number) {
    let leaves = 1;
    while (leaves < capacity) leaves *= 2;
    this.leaves = leaves;
    this.nodes = new Float64Array(2 * this.leaves);
  }

  total(): number {
    return this.nodes[1]!;
  }

  get(index: number): number {
    return this.nodes[this.leaves + index]!;
  }

  set(index: number, priority: number): void {
    let node = this.leaves + index;
    this.nodes[node] = Math.fround(priority);
    for (node >>= 1; node >= 1; node >>= 1) {
      this.nodes[node] = this.nodes[2 * node]! + this.nodes[2 * node + 1]!;
    }
  }

  /** The leaf in which the running sum of priorities passes `mass`, for 0 <= mass < total(). */
  find(mass: number): number {
    let node = 1;
    let left = mass;
    while (node < this.leaves) {
      node *= 2;
      // The right branch must hold something: rounding may leave a mass of the very end without a leaf.
      if (left >= this.nodes[node]! && this.nodes[node + 1]! > 0) {
        left -= this.nodes[node]!;
        node++;
      }
    }
    return node - this.leaves;
  }
}
