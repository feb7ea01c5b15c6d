"use client";
import { useQuery } from "convex/react";
import { CheckCircle2, Circle } from "lucide-react";
import Link from "next/link";
import { cn } from "@/components/cn";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { Panel } from "@/components/ui/Panel";
import { CommandLine } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

interface Step {
  title: string;
  why: string;
  href: string;
  command: string;
  isDone: boolean;
}

/** The way from an empty desk to a replayable decision; gone once a run decides. */
export function QuickStart() {
  const series = useQuery(api.market.console.listSeries, {});
  const datasets = useQuery(api.datasets.console.list, {});
  const versions = useQuery(api.agents.console.list, {});
  const evaluations = useQuery(api.evaluations.console.list, {});
  const runs = usePacedQuery(api.runs.console.list, {});
  if (!series || !datasets || !versions || !evaluations || !runs) return null;
  const steps: Step[] = [
    {
      title: "Import candles",
      why: "closed bars, checked line by line",
      href: "/market",
      command: "npm run -s assay -- import <file.csv.gz> --instrument XAUT-USDT --timeframe 1m --source file",
      isDone: series.length > 0,
    },
    {
      title: "Build a dataset",
      why: "immutable, addressed by its hash",
      href: "/datasets?build=1",
      command:
        "npm run -s assay -- dataset build --instrument XAUT-USDT --timeframe 15m --from 2023-01-01 --to 2025-07-01",
      isDone: datasets.some((dataset) => dataset.purpose === "training"),
    },
    {
      title: "Train an agent",
      why: "same seed, same checksum",
      href: "/agents?train=1",
      command: "npm run -s assay -- train --dataset <id> --algorithm ppo --steps 500000 --seed 7",
      isDone: versions.some((version) => version.artifactSha256 !== undefined),
    },
    {
      title: "Evaluate it",
      why: "beside flat, hold, momentum, random",
      href: "/evaluations",
      command: "npm run -s assay -- evaluate --version <id> --from 2025-07-01 --to 2025-08-01",
      isDone: evaluations.length > 0,
    },
    {
      title: "Run it on paper",
      why: "then replay any decision",
      href: "/runs?start=1",
      command:
        "npm run -s assay -- run start --instrument XAUT-USDT --mode paper --feed replay --from 2025-07-01 --to 2025-07-15",
      isDone: runs.length > 0,
    },
  ];
  const next = steps.find((step) => !step.isDone);
  if (next === undefined || runs.length > 0) return null;
  return (
    <Panel
      title="Getting to the first decision"
      hint={`${steps.filter((step) => step.isDone).length} of ${steps.length} done`}
    >
      <ol className="grid gap-2 sm:grid-cols-2 lg:grid-cols-5">
        {steps.map((step, index) => (
          <li key={step.title}>
            <Link
              href={step.href}
              className={cn(
                "flex h-full items-start gap-2.5 rounded-md border px-3 py-2.5",
                step === next ? "border-gold/50 bg-gold/5" : "border-line hover:border-strong",
              )}
            >
              {step.isDone ? (
                <CheckCircle2 className="mt-0.5 size-4 shrink-0 text-ok" aria-label="Done" />
              ) : (
                <Circle
                  className={cn("mt-0.5 size-4 shrink-0", step === next ? "text-gold" : "text-faint")}
                  aria-label="To do"
                />
              )}
              <span className="min-w-0">
                <span className="block text-[13px] font-medium">
                  {index + 1}. {step.title}
                </span>
                <span className="block text-[12px] text-faint">{step.why}</span>
              </span>
            </Link>
          </li>
        ))}
      </ol>
      <div className="mt-3 flex flex-wrap items-center gap-2 text-[12px] text-faint">
        Next, here or on the command line: <CommandLine command={next.command} />
      </div>
    </Panel>
  );
}
