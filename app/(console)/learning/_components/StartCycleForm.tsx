"use client";
import { useMutation, useQuery } from "convex/react";
import { Play } from "lucide-react";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { formatCount, formatItems } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Select } from "@/components/ui/Field";
import { Facts } from "@/components/ui/Figures";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { INSTRUMENTS } from "@/lib/market/instruments";
import type { Timeframe } from "@/lib/market/types";
import { TIMEFRAMES } from "@/lib/market/types";

/** One cycle now, with the numbers of the market's policy. */
export function StartCycleForm() {
  const router = useRouter();
  const start = useSubmit(useMutation(api.learning.console.start));
  const refusal = useRefusal("operator");
  const [instrument, setInstrument] = useState(INSTRUMENTS[0]!.symbol);
  const [timeframe, setTimeframe] = useState<Timeframe>("15m");
  const policy = useQuery(api.learning.console.policy, { instrument, timeframe });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const cycleId = await start.submit({ instrument, timeframe });
    if (cycleId !== undefined) router.push(`/learning/${cycleId}`);
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-2 gap-3.5 p-4">
      <Select
        label="Instrument"
        value={instrument}
        onChange={setInstrument}
        options={INSTRUMENTS.map(({ symbol }) => ({ value: symbol, label: symbol }))}
      />
      <Select
        label="Timeframe"
        value={timeframe}
        onChange={setTimeframe}
        options={TIMEFRAMES.map((value) => ({ value, label: value }))}
      />
      <div className="col-span-2">
        {policy === undefined ? (
          <SkeletonRows rows={4} />
        ) : (
          <Facts
            rows={[
              ["Policy", policy.version === 0 ? "the default" : `version ${policy.version}`],
              [
                "Trains",
                `${policy.values.algorithm.toUpperCase()}, ${formatCount(policy.values.steps)} steps on ${formatItems(policy.values.trainingDays, "day")}`,
              ],
              ["From", `${policy.values.source}, ${policy.values.sourceTimeframe} bars`],
              ["Judged on", `the newest ${formatItems(policy.values.evaluationDays, "day")}`],
              [
                "Walked forward",
                `${formatItems(policy.values.folds, "fold")}, seeds ${policy.values.seeds.join(", ")}`,
              ],
              [
                "Shadow",
                policy.values.shadow.enabled
                  ? `${policy.values.shadow.minBars} to ${policy.values.shadow.maxBars} bars`
                  : "off",
              ],
            ]}
          />
        )}
      </div>
      <div className="col-span-2 flex flex-col gap-3">
        <InlineError message={start.error ?? refusal} />
        <Button
          type="submit"
          tone="primary"
          className="self-end"
          busy={start.isBusy}
          disabled={refusal !== null}
          data-testid="cycle-submit"
        >
          <Play aria-hidden /> Start
        </Button>
      </div>
    </form>
  );
}
