"use client";
import { useQuery } from "convex/react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { ALGORITHMS, type Algorithm } from "@/lib/policy/algorithms";
import { formatCount, formatDay, shortHash } from "../format";
import { Field, Select } from "../ui/Field";

const ALGORITHM_NAMES: Record<Algorithm, string> = {
  ppo: "PPO (policy gradient)",
  dqn: "DQN (dueling double Q-learning)",
};

/** Overrides that are worth a try first, as an example of how they are written. */
const EXAMPLES: Record<Algorithm, string> = {
  ppo: "learningRate=0.0003, entropyCoefficient=0.005",
  dqn: "learningRate=0.0001, nStep=3, prioritised=1",
};

/** Datasets that a training may use, undefined while they load. */
export function useTrainingDatasets() {
  const datasets = useQuery(api.datasets.console.list, {});
  return datasets?.filter((row) => row.purpose === "training" && row.quality.verdict !== "failed");
}

type Dataset = NonNullable<ReturnType<typeof useTrainingDatasets>>[number];

interface DatasetFieldProps {
  datasets: readonly Dataset[];
  value: Id<"datasets">;
  onChange: (value: Id<"datasets">) => void;
}

export function DatasetField({ datasets, value, onChange }: DatasetFieldProps) {
  return (
    <div className="col-span-2">
      <Select
        label="Dataset"
        value={value as string}
        onChange={(id) => onChange(id as Id<"datasets">)}
        options={datasets.map((row) => ({
          value: row._id as string,
          label: `${row.instrument} ${row.timeframe}, ${formatDay(row.fromMs)} to ${formatDay(row.toMs)}, ${formatCount(row.rows)} rows, ${shortHash(row.datasetHash)}${row.simulated ? ", SIMULATED" : ""}`,
        }))}
      />
    </div>
  );
}

interface AlgorithmFieldsProps {
  algorithm: Algorithm;
  onAlgorithm: (value: Algorithm) => void;
  overrides: string;
  onOverrides: (value: string) => void;
}

/** Algorithm, and the hyperparameters that differ from its defaults. */
export function AlgorithmFields({ algorithm, onAlgorithm, overrides, onOverrides }: AlgorithmFieldsProps) {
  return (
    <>
      <div className="col-span-2">
        <Select
          label="Algorithm"
          value={algorithm}
          onChange={onAlgorithm}
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
          onChange={(event) => onOverrides(event.target.value)}
          data-testid="overrides"
        />
      </Field>
    </>
  );
}

/** What to say of an override that cannot be read. */
export const overridesProblem = (part: string) =>
  `"${part}" is not name=number; write them as learningRate=0.0003, epochs=4.`;
