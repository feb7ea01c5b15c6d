"use client";
import Link from "next/link";
import type { ReactNode } from "react";
import { Age } from "@/components/domain/Age";
import { KillChip, PaperTag, SimulatedTag } from "@/components/domain/chips";
import { isActive, type Run } from "@/components/domain/runView";
import { formatItems, formatSignedPercent, formatSignedUsd } from "@/components/format";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { Change } from "@/components/ui/Figures";
import { Skeleton } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { LIMITS } from "@/lib/contract/limits";
import { timeframeMs } from "@/lib/market/timeframe";

interface TileProps {
  label: string;
  href: string;
  children: ReactNode;
  note?: ReactNode;
}

function Tile({ label, href, children, note }: TileProps) {
  return (
    <Link href={href} className="min-w-0 bg-panel px-4 py-3 transition-colors hover:bg-raised/60">
      <span className="eyebrow block truncate">{label}</span>
      <span className="mt-1 flex min-h-6 flex-wrap items-center gap-1.5 text-[14px] font-medium">
        {children}
      </span>
      <span className="block min-h-[18px] truncate text-[12px] text-faint">{note}</span>
    </Link>
  );
}

/** The desk's state in six tiles, each with its age. */
export function StatusStrip({ run }: { run: Run | undefined }) {
  const kill = usePacedQuery(api.governance.console.killSwitch, {});
  const workers = usePacedQuery(api.ops.console.listWorkers, {});
  const series = usePacedQuery(api.market.console.listSeries, {});
  const champions = usePacedQuery(api.governance.console.listChampions, {});
  const runs = usePacedQuery(api.runs.console.list, {});
  if (
    kill === undefined ||
    workers === undefined ||
    series === undefined ||
    champions === undefined ||
    runs === undefined
  ) {
    return <Skeleton className="h-[86px] w-full rounded-lg" />;
  }
  const worker = workers[0];
  const newestFeed = [...series].sort((a, b) => b.updatedAtMs - a.updatedAtMs)[0];
  const hasSimulated = series.some((row) => row.simulated);
  const champion = champions[0];
  const activeCount = runs.filter(isActive).length;
  const pnlUsd = run === undefined ? null : run.equityUsd - run.initialBalanceUsd;
  return (
    <section
      aria-label="State of the desk"
      className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border border-line bg-line md:grid-cols-3 xl:grid-cols-6"
    >
      <Tile label="Mode" href="/governance" note={formatItems(activeCount, "active run")}>
        <PaperTag />
        {hasSimulated ? <SimulatedTag /> : null}
      </Tile>
      <Tile
        label="Kill switch"
        href="/governance"
        note={kill.mode === "armed" ? "trading is allowed" : kill.reason}
      >
        <KillChip mode={kill.mode} />
      </Tile>
      <Tile
        label="Worker"
        href="/ops"
        note={
          worker === undefined
            ? "start one: npm run worker"
            : `${formatItems(worker.activeJobs, "job")}, ${worker.workerId}`
        }
      >
        {worker === undefined ? (
          <span className="text-warn">none has reported</span>
        ) : (
          <Age atMs={worker.lastHeartbeatMs} staleAfterMs={LIMITS.workerStaleMs} />
        )}
      </Tile>
      <Tile
        label="Newest feed"
        href="/market"
        note={
          newestFeed === undefined
            ? "import candles first"
            : `${newestFeed.instrument} ${newestFeed.timeframe}, ${newestFeed.source}`
        }
      >
        {newestFeed === undefined ? (
          <span className="text-warn">no bars stored</span>
        ) : newestFeed.source === "file" ? (
          <span>
            imported <Age atMs={newestFeed.updatedAtMs} />
          </span>
        ) : (
          <Age atMs={newestFeed.updatedAtMs} staleAfterMs={3 * timeframeMs(newestFeed.timeframe) + 60_000} />
        )}
      </Tile>
      <Tile
        label="Champion"
        href="/agents"
        note={champion === undefined ? "promotion needs passing gates" : champion.instrument}
      >
        <span className="truncate">{champion === undefined ? "none yet" : champion.versionName}</span>
      </Tile>
      <Tile
        label={run !== undefined && isActive(run) ? "Active run" : "Last run"}
        href={run === undefined ? "/runs" : `/runs/${run._id}`}
        note={
          run === undefined
            ? "start one on Runs"
            : `${formatSignedPercent(pnlUsd! / run.initialBalanceUsd)} net of costs`
        }
      >
        {pnlUsd === null ? "none yet" : <Change value={pnlUsd}>{formatSignedUsd(pnlUsd)}</Change>}
      </Tile>
    </section>
  );
}
