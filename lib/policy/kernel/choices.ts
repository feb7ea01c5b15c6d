/** What a person asks for to train with; `auto` takes the fused kernel where the machine has one, else the baseline. */
export const KERNEL_CHOICES = ["baseline", "relaxed", "auto"] as const;
export type KernelChoice = (typeof KERNEL_CHOICES)[number];

/** Threads of one training: a number, or as many as the machine and the algorithm allow. */
export type ThreadChoice = number | "auto";
