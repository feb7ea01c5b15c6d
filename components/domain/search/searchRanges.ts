/** The ranges of a search as a person types them, and as the server takes them. */
import type { SearchRange } from "../../../lib/search/sampleConfigurations";

export interface RangeTexts {
  name: string;
  scale: SearchRange["scale"];
  /** For the scale `choice` the numbers to choose from, else the lower bound. */
  min: string;
  max: string;
}

/** The ranges, or the sentence that names what cannot be read; the server checks that they can be drawn from. */
export function parseRanges(rows: readonly RangeTexts[]): SearchRange[] | string {
  const ranges: SearchRange[] = [];
  for (const { name, scale, min, max } of rows) {
    if (name.trim() === "") return "Every range needs the name of a hyperparameter.";
    const numbers = (scale === "choice" ? min : `${min} ${max}`)
      .split(/[\s,;]+/)
      .filter((part) => part !== "")
      .map(Number);
    if (numbers.length === 0 || numbers.some((value) => !Number.isFinite(value))) {
      return `${name} needs numbers.`;
    }
    if (scale !== "choice" && numbers.length !== 2) return `${name} needs a lowest and a highest value.`;
    ranges.push({
      name: name.trim(),
      scale,
      min: Math.min(...numbers),
      max: Math.max(...numbers),
      choices: scale === "choice" ? numbers : [],
    });
  }
  return ranges;
}
