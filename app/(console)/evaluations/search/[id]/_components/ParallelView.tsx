"use client";
import { useState } from "react";
import { showHyperparameter } from "@/components/domain/walkForward/view";
import { formatNumber } from "@/components/format";
import { EmptyState } from "@/components/ui/States";
import type { Search } from "./SearchPage";

type Trial = Search["trials"][number];
interface Axis {
  name: string;
  low: number;
  high: number;
  isLog: boolean;
  valueOf: (trial: Trial) => number;
  show: (value: number) => string;
}

const HEIGHT = 260;
const TOP = 34;
const BOTTOM = 26;

function axesOf(search: Search, scored: readonly Trial[]): Axis[] {
  const scores = scored.map((trial) => trial.sharpePerDay!);
  return [
    ...search.ranges.map(({ name, scale, min, max }) => ({
      name,
      low: min,
      high: max,
      isLog: scale === "log",
      valueOf: (trial: Trial) => trial.hyperparameters[name] ?? min,
      show: showHyperparameter,
    })),
    {
      name: "Sharpe a day",
      low: Math.min(...scores),
      high: Math.max(...scores),
      isLog: false,
      valueOf: (trial) => trial.sharpePerDay!,
      show: (value) => formatNumber(value, 3),
    },
  ];
}

/** Parallel coordinates: an axis a hyperparameter, the score at the right; later rungs are drawn thicker. */
export function ParallelView({ search }: { search: Search }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const scored = search.trials.filter((trial) => trial.sharpePerDay !== undefined);
  if (scored.length < 2) {
    return <EmptyState title="Too few scores yet">Two finished trials make the first picture.</EmptyState>;
  }
  const axes = axesOf(search, scored);
  const width = Math.max(320, axes.length * 150);
  const x = (index: number) => 62 + (index * (width - 124)) / (axes.length - 1);
  const y = ({ low, high, isLog }: Axis, value: number) => {
    const share =
      high === low
        ? 0.5
        : isLog
          ? Math.log(value / low) / Math.log(high / low)
          : (value - low) / (high - low);
    return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
  };
  const ordered = [...scored].sort((a, b) => a.sharpePerDay! - b.sharpePerDay!);
  const best = ordered.at(-1)!;
  const shown = scored.find(({ _id }) => _id === chosen) ?? best;
  return (
    <figure className="min-w-0">
      <div className="overflow-x-auto">
        <svg
          viewBox={`0 0 ${width} ${HEIGHT}`}
          className="mx-auto w-full"
          style={{ minWidth: Math.min(width, axes.length * 110), maxWidth: width * 1.2 }}
          role="img"
          aria-label={`Hyperparameters of ${scored.length} trials against their Sharpe a day; best ${formatNumber(best.sharpePerDay, 3)}`}
        >
          {axes.map((axis, index) => (
            <g key={axis.name}>
              <line x1={x(index)} x2={x(index)} y1={TOP} y2={HEIGHT - BOTTOM} stroke="var(--strong)" />
              <text x={x(index)} y={12} textAnchor="middle" fontSize="10.5" fill="var(--soft)">
                {axis.name}
              </text>
              <text x={x(index)} y={26} textAnchor="middle" fontSize="9.5" fill="var(--faint)">
                {axis.show(axis.high)}
              </text>
              <text x={x(index)} y={HEIGHT - 10} textAnchor="middle" fontSize="9.5" fill="var(--faint)">
                {axis.show(axis.low)}
                {axis.isLog ? ", log" : ""}
              </text>
            </g>
          ))}
          {ordered.map((trial) => {
            const isShown = trial._id === shown._id;
            return (
              <polyline
                key={trial._id}
                points={axes
                  .map((axis, i) => `${x(i).toFixed(1)},${y(axis, axis.valueOf(trial)).toFixed(1)}`)
                  .join(" ")}
                fill="none"
                stroke={isShown ? "var(--gold)" : "var(--info)"}
                strokeWidth={isShown ? 2.4 : 1 + trial.rung * 0.5}
                opacity={isShown ? 1 : 0.45}
                onPointerEnter={() => setChosen(trial._id)}
              >
                <title>{`Rung ${trial.rung + 1}, no. ${trial.index + 1}: ${formatNumber(trial.sharpePerDay, 4)}`}</title>
              </polyline>
            );
          })}
        </svg>
      </div>
      <figcaption className="mt-2 text-[12px] text-soft">
        Gold: rung {shown.rung + 1}, no. {shown.index + 1}
        {shown._id === best._id ? ", the best score" : ""},{" "}
        {axes.map((axis) => `${axis.name} ${axis.show(axis.valueOf(shown))}`).join(", ")}. Thicker lines are
        later rungs; the table below has every figure.
      </figcaption>
    </figure>
  );
}
