"use client";
import { useMutation, useQuery } from "convex/react";
import { Sparkles } from "lucide-react";
import { type FormEvent, useState } from "react";
import { formatCount, formatDay, shortHash } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button, LinkButton } from "@/components/ui/Button";
import { Field, Select } from "@/components/ui/Field";
import { EmptyState, InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { ALGORITHMS, type Algorithm } from "@/lib/policy/algorithms";

interface TrainFormProps {
  datasetId: string | null;
  onStarted: (versionId: Id<"agentVersions">) => void;
}

const ALGORITHM_NAMES: Record<Algorithm, string> = {
  ppo: "PPO (policy gradient)",
  dqn: "DQN (dueling double Q-learning)",
};

/** Dataset, algorithm, length and seed; the rest of the settings is fixed and recorded in the artifact. */
export function TrainForm({ datasetId, onStarted }: TrainFormProps) {
  const datasets = useQuery(api.datasets.console.list, {});
  const train = useSubmit(useMutation(api.agents.console.requestTraining));
  const refusal = useRefusal("operator");
  const [chosen, setChosen] = useState(datasetId);
  const [algorithm, setAlgorithm] = useState<Algorithm>("ppo");
  const [steps, setSteps] = useState("500000");
  const [seed, setSeed] = useState("7");
  if (datasets === undefined) return <SkeletonRows rows={5} />;
  const usable = datasets.filter((row) => row.purpose === "training" && row.quality.verdict !== "failed");
  const value = chosen ?? usable[0]?._id;
  if (value === undefined) {
    return (
      <EmptyState
        title="No dataset to train on"
        action={<LinkButton href="/datasets?build=1">Build a dataset</LinkButton>}
      >
        A training needs a dataset whose quality is not failed.
      </EmptyState>
    );
  }
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const started = await train.submit({
      datasetId: value as Id<"datasets">,
      algorithm,
      steps: Number(steps),
      seed: Number(seed),
    });
    if (started !== undefined) onStarted(started.versionId);
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-2 gap-3.5 p-4">
      <div className="col-span-2">
        <Select
          label="Dataset"
          value={value as string}
          onChange={setChosen}
          options={usable.map((row) => ({
            value: row._id as string,
            label: `${row.instrument} ${row.timeframe}, ${formatDay(row.fromMs)} to ${formatDay(row.toMs)}, ${formatCount(row.rows)} rows, ${shortHash(row.datasetHash)}${row.simulated ? ", SIMULATED" : ""}`,
          }))}
        />
      </div>
      <div className="col-span-2">
        <Select
          label="Algorithm"
          value={algorithm}
          onChange={setAlgorithm}
          options={ALGORITHMS.map((name) => ({ value: name, label: ALGORITHM_NAMES[name] }))}
        />
      </div>
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
