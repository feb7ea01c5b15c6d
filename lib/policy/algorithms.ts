/** The learning algorithms that make a policy: proximal policy optimisation, and dueling double deep Q-learning. */
export const ALGORITHMS = ["ppo", "dqn"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];
