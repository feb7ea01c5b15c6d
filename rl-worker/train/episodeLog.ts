import { REWARD_TERMS, type RewardTerms } from "../env/reward";

const EPISODES_KEPT = 100;

/** A finished episode: its undiscounted return, and the sums of its reward terms in the order of REWARD_TERMS. */
export interface FinishedEpisode {
  episodeReturn: number;
  terms?: number[];
}

/** The last 100 finished episodes, for the training curve. */
export class EpisodeLog {
  constructor(private readonly episodes: FinishedEpisode[] = []) {}

  push(episodeReturn: number, terms?: Readonly<RewardTerms>): void {
    this.episodes.push(
      terms === undefined
        ? { episodeReturn }
        : { episodeReturn, terms: REWARD_TERMS.map((name) => terms[name]) },
    );
    if (this.episodes.length > EPISODES_KEPT) this.episodes.shift();
  }

  /** Null before the first episode ends. */
  meanReturn(): number | null {
    const { episodes } = this;
    if (episodes.length === 0) return null;
    return episodes.reduce((sum, { episodeReturn }) => sum + episodeReturn, 0) / episodes.length;
  }

  /** Mean of each term; undefined when the environment has none, or before the first episode ends. */
  meanTerms(): Record<string, number> | undefined {
    const { episodes } = this;
    if (episodes.length === 0 || episodes[0]!.terms === undefined) return undefined;
    const mean = (i: number) => episodes.reduce((sum, { terms }) => sum + terms![i]!, 0) / episodes.length;
    return Object.fromEntries(REWARD_TERMS.map((name, i) => [name, mean(i)]));
  }

  /** JSON-serialisable; `new EpisodeLog(state())` goes on from it. */
  state(): FinishedEpisode[] {
    return this.episodes.slice();
  }
}
