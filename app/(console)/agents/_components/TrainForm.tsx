"use client";
import { useMutation } from "convex/react";
import { Sparkles } from "lucide-react";
import { useState } from "react";
import { hyperparametersOf, NoRecipe, RecipeFields, useRecipe } from "@/components/domain/RecipeFields";
import { RequestForm } from "@/components/domain/RequestForm";
import { useSubmit } from "@/components/hooks/useSubmit";
import { TextField } from "@/components/ui/Field";
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
  const recipe = useRecipe(prefill);
  const train = useSubmit(useMutation(api.agents.console.requestTraining));
  const [steps, setSteps] = useState(prefill.steps ?? "500000");
  const [seed, setSeed] = useState("7");
  const { datasetId, algorithm } = recipe;
  if (datasetId === undefined) return <NoRecipe recipe={recipe} />;
  const submit = async () => {
    const hyperparameters = hyperparametersOf(recipe);
    if (typeof hyperparameters === "string") return train.setError(hyperparameters);
    const length = { steps: Number(steps), seed: Number(seed) };
    const started = await train.submit({ datasetId, algorithm, ...length, hyperparameters });
    if (started !== undefined) onStarted(started.versionId);
  };
  return (
    <RequestForm
      onSubmit={submit}
      error={train.error}
      isBusy={train.isBusy}
      note={
        <p className="text-[12px] text-faint">
          Every training counts as a trial on its market, and the gates get stricter with each.
        </p>
      }
      label={
        <>
          <Sparkles aria-hidden /> Train
        </>
      }
      data-testid="train-submit"
    >
      <RecipeFields recipe={recipe} />
      <TextField
        label="Environment steps"
        inputMode="numeric"
        value={steps}
        onChange={setSteps}
        data-testid="train-steps"
      />
      <TextField label="Seed" inputMode="numeric" value={seed} onChange={setSeed} data-testid="train-seed" />
    </RequestForm>
  );
}
