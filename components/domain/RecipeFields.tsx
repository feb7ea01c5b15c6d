"use client";
import { useQuery } from "convex/react";
import { useState } from "react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { ALGORITHMS, type Algorithm } from "@/lib/policy/algorithms";
import { formatCount, formatDay, shortHash } from "../format";
import { LinkButton } from "../ui/Button";
import { Field, Select } from "../ui/Field";
import { EmptyState, SkeletonRows } from "../ui/States";
import { parseOverrides } from "./walkForward/view";

const ALGORITHM_NAMES: Record<Algorithm, string> = {
  ppo: "PPO (policy gradient)",
  dqn: "DQN (dueling double Q-learning)",
};

/** Overrides that are worth a try first, as an example of how they are written. */
const EXAMPLES: Record<Algorithm, string> = {
  ppo: "learningRate=0.0003, entropyCoefficient=0.005",
  dqn: "learningRate=0.0001, nStep=3, prioritised=1",
};

interface RecipeStart {
  datasetId?: string | null;
  algorithm?: Algorithm;
  overrides?: string;
}

/**
 * What a training, a walk-forward and a search have in common: a dataset, an algorithm and the hyperparameters that
 * differ from its defaults. `datasets` is undefined while they load; `datasetId` while there is none to train on.
 */
export function useRecipe(start: RecipeStart = {}) {
  const all = useQuery(api.datasets.console.list, {});
  const datasets = all?.filter((row) => row.purpose === "training" && row.quality.verdict !== "failed");
  const [chosen, setChosen] = useState((start.datasetId ?? null) as Id<"datasets"> | null);
  const [algorithm, setAlgorithm] = useState<Algorithm>(start.algorithm ?? "ppo");
  const [overrides, setOverrides] = useState(start.overrides ?? "");
  const datasetId = chosen ?? datasets?.[0]?._id;
  return { datasets, datasetId, algorithm, overrides, setChosen, setAlgorithm, setOverrides };
}

type Recipe = ReturnType<typeof useRecipe>;

/** The hyperparameters of a recipe, or the sentence that names what cannot be read. */
export function hyperparametersOf({ overrides }: Recipe): Record<string, number> | string {
  const parsed = parseOverrides(overrides);
  if (parsed.ok) return parsed.value;
  return `"${parsed.part}" is not name=number; write them as learningRate=0.0003, epochs=4.`;
}

/** Stands in for a form whose recipe has no dataset (yet). */
export function NoRecipe({ recipe }: { recipe: Recipe }) {
  if (recipe.datasets === undefined) return <SkeletonRows rows={6} />;
  return (
    <EmptyState
      title="No dataset to train on"
      action={<LinkButton href="/datasets?build=1">Build a dataset</LinkButton>}
    >
      A training needs a dataset whose quality is not failed.
    </EmptyState>
  );
}

/** The fields of a recipe, across both columns of a form. */
export function RecipeFields({ recipe }: { recipe: Recipe }) {
  const { datasets, datasetId, algorithm, overrides } = recipe;
  return (
    <>
      <div className="col-span-2">
        <Select
          label="Dataset"
          value={(datasetId ?? "") as string}
          onChange={(id) => recipe.setChosen(id as Id<"datasets">)}
          options={(datasets ?? []).map((row) => ({
            value: row._id as string,
            label: `${row.instrument} ${row.timeframe}, ${formatDay(row.fromMs)} to ${formatDay(row.toMs)}, ${formatCount(row.rows)} rows, ${shortHash(row.datasetHash)}${row.simulated ? ", SIMULATED" : ""}`,
          }))}
        />
      </div>
      <div className="col-span-2">
        <Select
          label="Algorithm"
          value={algorithm}
          onChange={recipe.setAlgorithm}
          options={ALGORITHMS.map((name) => ({ value: name, label: ALGORITHM_NAMES[name] }))}
        />
      </div>
      <Field label="Hyperparameters" hint="those that differ from the defaults" className="col-span-2">
        <input
          className="field font-mono"
          value={overrides}
          placeholder={EXAMPLES[algorithm]}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => recipe.setOverrides(event.target.value)}
          data-testid="overrides"
        />
      </Field>
    </>
  );
}
