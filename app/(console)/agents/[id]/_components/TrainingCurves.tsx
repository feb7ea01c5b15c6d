"use client";
import type { FunctionReturnType } from "convex/server";
import { useMemo } from "react";
import { LineFigure } from "@/components/charts/LineFigure";
import { TableTwin } from "@/components/charts/TableTwin";
import { formatCompact, formatCount, formatNumber } from "@/components/format";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { Figure } from "@/components/ui/Figures";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";

type Point = FunctionReturnType<typeof api.agents.console.trainingCurve>[number];
type Metric = Exclude<keyof Point, "versionId" | "rewardTerms">;

const FIGURES: readonly { metric: Metric; name: string; decimals: number; color: string }[] = [
  { metric: "meanEpisodeReturn", name: "Episode return", decimals: 3, color: "var(--gold)" },
  { metric: "entropy", name: "Entropy, nats", decimals: 3, color: "var(--info)" },
  { metric: "approxKl", name: "Approximate KL", decimals: 5, color: "var(--warn)" },
  { metric: "policyLoss", name: "Policy loss", decimals: 4, color: "var(--down)" },
  { metric: "valueLoss", name: "Value loss", decimals: 4, color: "var(--down)" },
  { metric: "explainedVariance", name: "Explained variance", decimals: 3, color: "var(--ok)" },
  { metric: "meanQ", name: "Mean Q", decimals: 3, color: "var(--info)" },
  { metric: "tdError", name: "TD error", decimals: 4, color: "var(--warn)" },
  { metric: "loss", name: "Huber loss", decimals: 5, color: "var(--down)" },
  { metric: "epsilon", name: "Epsilon", decimals: 3, color: "var(--ok)" },
  { metric: "stepsPerSecond", name: "Steps a second", decimals: 0, color: "var(--faint)" },
];

/** In the order in which they make the return: what the market gave, then what was lost to each cost and penalty. */
const TERMS: readonly (readonly [string, string])[] = [
  ["price", "Price"],
  ["fees", "Fees"],
  ["slippage", "Spread and slippage"],
  ["funding", "Funding"],
  ["drawdown", "Drawdown penalty"],
  ["turnover", "Turnover penalty"],
  ["holding", "Holding penalty"],
];

/** Where the newest episodes' return came from. */
function RewardTerms({ terms }: { terms: Record<string, number> }) {
  return (
    <section className="mt-4" aria-label="Return of the last 100 episodes by term">
      <h3 className="eyebrow">Where the return comes from, mean of the last 100 episodes</h3>
      <dl
        className="mt-2 grid grid-cols-2 gap-x-4 gap-y-3 sm:grid-cols-4 lg:grid-cols-7"
        data-testid="reward-terms"
      >
        {TERMS.filter(([term]) => terms[term] !== undefined).map(([term, name]) => (
          <Figure key={term} label={name}>
            {formatNumber(term === "price" ? terms[term] : 0 - terms[term]!, 3)}
          </Figure>
        ))}
      </dl>
    </section>
  );
}

/** The curves, of those that the algorithm reports, that tell a healthy training from a sick one. */
export function TrainingCurves({ versionId }: { versionId: Id<"agentVersions"> }) {
  const points = usePacedQuery(api.agents.console.trainingCurve, { versionId });
  const figures = useMemo(
    () =>
      FIGURES.filter(({ metric }) => points?.some((point) => point[metric] !== undefined)).map((figure) => ({
        ...figure,
        lines: [
          {
            name: figure.name,
            color: figure.color,
            points: (points ?? []).flatMap((point) => {
              const value = point[figure.metric];
              return value === null || value === undefined ? [] : [{ timeMs: point.environmentSteps, value }];
            }),
          },
        ],
      })),
    [points],
  );
  if (points === undefined) return <SkeletonRows rows={8} />;
  if (points.length === 0)
    return <EmptyState title="No point yet">The first update of the policy makes the first one.</EmptyState>;
  const last = points.at(-1)!;
  return (
    <div data-testid="training-curves" data-points={points.length}>
      <div className="grid grid-cols-1 gap-x-5 gap-y-4 md:grid-cols-2 xl:grid-cols-3">
        {figures.map(({ metric, name, decimals, lines }) => (
          <LineFigure
            key={metric}
            label={`${name}: ${formatNumber(last[metric], decimals)} after ${formatCount(last.environmentSteps)} steps`}
            lines={lines}
            formatY={(value) => formatNumber(value, decimals)}
            formatX={(value) => `${formatCompact(value)} steps`}
            heightPx={132}
          />
        ))}
      </div>
      {last.rewardTerms === undefined ? null : <RewardTerms terms={last.rewardTerms} />}
      <div className="-mx-4 mt-4 -mb-4">
        <TableTwin
          caption="Training points"
          rows={points}
          rowKey={(point) => String(point.sequence)}
          columns={[
            {
              id: "steps",
              header: "Steps",
              lead: true,
              cell: (point) => formatCount(point.environmentSteps),
            },
            ...figures.map(({ metric, name, decimals }) => ({
              id: metric,
              header: name,
              numeric: true,
              cell: (point: Point) => formatNumber(point[metric], decimals),
            })),
          ]}
        />
      </div>
    </div>
  );
}
