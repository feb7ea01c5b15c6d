/** In words, whether trainings on other machines come to the same bits. */

interface Trained {
  /** Versions of the kernels that trained, in the order in which workers brought them; absent on older rows. */
  kernels?: readonly string[];
}

/**
 * What the kernels of a walk-forward mean to whoever runs it again. `earlier` is another run of the same recipe on
 * the same dataset, by its name; two kernels round differently, so the same seeds train to other last bits.
 */
export function kernelSentence({ kernels }: Trained, earlier?: Trained & { name: string }): string {
  if (kernels === undefined || kernels.length === 0) {
    return "Which kernel it was trained with was not noted; run again, figures may differ.";
  }
  const own = kernels.join(" and ");
  if (kernels.length > 1) {
    return `Workers with different kernels shared it (${own}): which fold had which was chance, so run again, figures may differ.`;
  }
  const others = earlier?.kernels?.filter((kernel) => !kernels.includes(kernel)) ?? [];
  if (earlier !== undefined && others.length > 0) {
    return (
      `Trained with ${own}; ${earlier.name} of the same recipe on the same dataset was trained with ` +
      `${others.join(" and ")}: last bits, and with them figures, may differ.`
    );
  }
  return `Trained with ${own}: the same bits on every machine that has this kernel, other last bits on one that has not.`;
}
