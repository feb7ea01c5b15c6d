"use client";
import { useMutation } from "convex/react";
import { Sparkles } from "lucide-react";
import { type FormEvent, useState } from "react";
import {
  AlgorithmFields,
  DatasetField,
  overridesProblem,
  useTrainingDatasets,
} from "@/components/domain/RecipeFields";
import { parseOverrides } from "@/components/domain/walkForward/view";
import { NoDataset } from "@/components/domain/walkForward/WalkForwardForm";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Field } from "@/components/ui/Field";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import type { Algorithm } from "@/lib/policy/algorithms";

/** What the form starts with; a search hands over its best configuration this way. */
export interface TrainPrefill {
  datasetId: string | null;
  algorithm?: Algorithm;
  overrides?: string;
  steps?: string;
}

interface TrainFormProps {
  prefill: TrainPrefill;
  onStarted: (versionId: Id<"agentVersions">) => void;
}

/** Dataset, algorithm, length, seed and overrides; everything else is the default and recorded in the artifact. */
export function TrainForm({ prefill, onStarted }: TrainFormProps) {
  const datasets = useTrainingDatasets();
  const train = useSubmit(useMutation(api.agents.console.requestTraining));
  const refusal = useRefusal("operator");
  const [chosen, setChosen] = useState(prefill.datasetId as Id<"datasets"> | null);
  const [algorithm, setAlgorithm] = useState<Algorithm>(prefill.algorithm ?? "ppo");
  const [overrides, setOverrides] = useState(prefill.overrides ?? "");
  const [steps, setSteps] = useState(prefill.steps ?? "500000");
  const [seed, setSeed] = useState("7");
  if (datasets === undefined) return <SkeletonRows rows={5} />;
  const datasetId = chosen ?? datasets[0]?._id;
  if (datasetId === undefined) return <NoDataset />;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const hyperparameters = parseOverrides(overrides);
    if (!hyperparameters.ok) {
      train.setError(overridesProblem(hyperparameters.part));
      return;
    }
    const started = await train.submit({
      datasetId,
      algorithm,
      steps: Number(steps),
      seed: Number(seed),
      hyperparameters: hyperparameters.value,
    });
    if (started !== undefined) onStarted(started.versionId);
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-2 gap-3.5 p-4">
      <DatasetField datasets={datasets} value={datasetId} onChange={setChosen} />
      <AlgorithmFields
        algorithm={algorithm}
        onAlgorithm={setAlgorithm}
        overrides={overrides}
        onOverrides={setOverrides}
      />
      <Field label="Environment steps">
        <input
          className="field"
          inputMode="numeric"
          value={steps}
          onChange={(event) => setSteps(event.target.value)}
          data-testid="train-steps"
        />
      </Field>
      <Field label="Seed">
        <input
          className="field"
          inputMode="numeric"
          value={seed}
          onChange={(event) => setSeed(event.target.value)}
          data-testid="train-seed"
        />
      </Field>
      <p className="col-span-2 text-[12px] text-faint">
        Every training counts as a trial on its market, and the gates get stricter with each.
      </p>
      <div className="col-span-2 flex flex-col gap-3">
        <InlineError message={train.error ?? refusal} />
        <Button
          type="submit"
          tone="primary"
          busy={train.isBusy}
          disabled={refusal !== null}
          className="self-end"
          data-testid="train-submit"
        >
          <Sparkles aria-hidden /> Train
        </Button>
      </div>
    </form>
  );
}
