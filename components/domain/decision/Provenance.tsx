"use client";
import Link from "next/link";
import type { ReactNode } from "react";
import { formatTime } from "../../format";
import { usePreferences } from "../../providers/PreferencesProvider";
import { CopyText, Hash } from "../../ui/CopyText";
import type { Decision } from "./DecisionDrawer";

interface Step {
  title: string;
  facts: readonly (readonly [string, ReactNode])[];
}

/** From the bars to the order, each link named by the hash that fixes it. */
export function Provenance({ decision }: { decision: Decision }) {
  const { zone } = usePreferences();
  const { provenance } = decision;
  const { feed } = provenance;
  const steps: Step[] = [
    {
      title: `Bars: ${feed.kind} of ${feed.source} ${feed.sourceTimeframe} as ${feed.timeframe}`,
      facts: [
        ["bars up to this one", <Hash key="bars" value={feed.barsHash} />],
        ["snapshot", <Hash key="feed" value={feed.datasetHash} />],
        ["features since", formatTime(feed.featuresFromMs, zone)],
      ],
    },
    {
      title: `Features: ${provenance.featureSetId}`,
      facts: [
        ["fingerprint", <Hash key="fp" value={provenance.featureFingerprint} />],
        ["this row", <Hash key="row" value={provenance.featuresSha256} />],
      ],
    },
    {
      title: `Policy: kernel ${provenance.policyKernelVersion}`,
      facts: [
        ["artifact", <Hash key="artifact" value={provenance.artifactSha256} />],
        ["training dataset", <Hash key="data" value={provenance.trainingDatasetHash} />],
        ["environment", <Hash key="env" value={provenance.environmentHash} />],
        [
          "version",
          <Link
            key="version"
            href={`/agents/${provenance.versionId}`}
            className="underline underline-offset-4"
          >
            open the agent version
          </Link>,
        ],
      ],
    },
    { title: `Worker ${provenance.workerVersion}`, facts: [] },
  ];
  return (
    <>
      <ol className="relative ml-1.5 border-l border-strong pl-4" data-testid="provenance">
        {steps.map((step) => (
          <li key={step.title} className="relative pb-3 last:pb-0">
            <span
              className="absolute top-1.5 -left-[21px] size-2.5 rounded-full border-2 border-gold bg-panel"
              aria-hidden
            />
            <p className="text-[13px] font-medium">{step.title}</p>
            <dl className="mt-0.5">
              {step.facts.map(([label, value]) => (
                <div key={label} className="flex min-h-6 items-center justify-between gap-3 text-[12px]">
                  <dt className="text-faint">{label}</dt>
                  <dd className="min-w-0">{value}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ol>
      <p className="mt-3 flex items-center gap-1 text-[12px] text-faint">
        On the command line: <code className="min-w-0 truncate font-mono">assay replay {decision._id}</code>
        <CopyText text={`npm run -s assay -- replay ${decision._id}`} label="Copy replay command" />
      </p>
    </>
  );
}
