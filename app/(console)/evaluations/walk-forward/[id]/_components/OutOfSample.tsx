"use client";
import { useQuery } from "convex/react";
import { useMemo } from "react";
import { LineFigure, type LineSpec } from "@/components/charts/LineFigure";
import { TableTwin } from "@/components/charts/TableTwin";
import { compounded, subjectName } from "@/components/domain/walkForward/view";
import { formatDay, formatSignedPercent } from "@/components/format";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { WalkForward } from "./WalkForwardPage";

const BASELINE_COLORS: Record<string, string> = {
  buyAndHold: "var(--info)",
  momentum: "var(--ok)",
  random: "var(--faint)",
};

/** Each subject's compounded return over all test spans, with a border where a new fold begins. */
export function OutOfSample({ row }: { row: WalkForward }) {
  const curves = useQuery(api.walkForwards.console.curves, { walkForwardId: row._id });
  const chosen = row.summary?.medianSubject;
  const rival = row.summary?.champion?.subject;
  const lines = useMemo<LineSpec[]>(() => {
    if (curves === undefined) return [];
    const subjects = [...new Set(curves.map(({ subject }) => subject))];
    const points = (subject: string) => compounded(curves, subject);
    const faint = (subject: string, name: string, color: string): LineSpec => ({
      name,
      key: subject,
      color,
      points: points(subject),
      isFaint: true,
    });
    const seeds = subjects.filter((subject) => subject.startsWith("seed:") && subject !== chosen);
    const champions = subjects.filter((subject) => subject.startsWith("champion:") && subject !== rival);
    return [
      ...seeds.map((subject) =>
        faint(subject, chosen === undefined ? "Seeds" : "Other seeds", "var(--gold)"),
      ),
      ...champions.map((subject) => faint(subject, "Champion, other seeds", "var(--up)")),
      ...Object.entries(BASELINE_COLORS)
        .filter(([subject]) => subjects.includes(subject))
        .map(([subject, color]) => ({
          name: subjectName(subject),
          color,
          points: points(subject),
          dashed: true,
        })),
      ...(rival === undefined
        ? []
        : [{ name: subjectName(rival), color: "var(--up)", points: points(rival) }]),
      ...(chosen === undefined
        ? []
        : [{ name: `${subjectName(chosen)} (median)`, color: "var(--gold)", points: points(chosen) }]),
    ];
  }, [curves, chosen, rival]);
  if (curves === undefined) return <SkeletonRows rows={8} />;
  if (curves.length === 0) {
    return <EmptyState title="No fold recorded yet">The first curve appears with the first fold.</EmptyState>;
  }
  const last = lines.at(-1)?.points.at(-1)?.value;
  return (
    <>
      <LineFigure
        label={`Out-of-sample return of the median seed: ${formatSignedPercent(last)} over ${row.foldRanges.length} folds`}
        lines={lines}
        baseline={{ value: 0, label: "flat: nothing won or lost" }}
        marks={row.foldRanges.map(({ fold, testFromMs }) => ({
          atX: testFromMs,
          label: `fold ${fold + 1}`,
        }))}
        formatY={(value) => formatSignedPercent(value, 1)}
        formatX={(value) => formatDay(value)}
        heightPx={260}
      />
      <div className="-mx-4 mt-3 -mb-4">
        <TableTwin
          caption="Return of each subject in each fold"
          rows={curves}
          rowKey={(curve) => `${curve.subject} ${curve.fold}`}
          columns={[
            { id: "subject", header: "Subject", lead: true, cell: (curve) => subjectName(curve.subject) },
            { id: "fold", header: "Fold", numeric: true, cell: (curve) => curve.fold + 1 },
            { id: "days", header: "Days", numeric: true, cell: (curve) => curve.returns.length },
            {
              id: "return",
              header: "Return",
              numeric: true,
              cell: (curve) => formatSignedPercent(compounded([curve], curve.subject).at(-1)?.value),
            },
          ]}
        />
      </div>
    </>
  );
}
