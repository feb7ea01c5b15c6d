"use client";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { CheckCircle2, Radio } from "lucide-react";
import { useState } from "react";
import { Age, When } from "@/components/domain/Age";
import { SimulatedTag } from "@/components/domain/chips";
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatSignedPercent,
} from "@/components/format";
import { DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { Facts } from "@/components/ui/Figures";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { type EventFeed, FEED_FACTS, type FeedName, isEventFeed } from "@/lib/feeds/types";

type Feed = FunctionReturnType<typeof api.feeds.console.list>[number];

const LABELS: Record<FeedName, string> = {
  funding: "Funding",
  fundingEstimate: "Funding estimate",
  basis: "Basis",
  openInterest: "Open interest",
  ideas: "Ideas",
  signals: "Signals",
  news: "News",
  ocr: "Pictures (OCR)",
};

const keyOf = (feed: Feed) => `${feed.instrument} ${feed.feed} ${feed.source}`;

function value({ feed, lastValue }: Feed): string {
  if (feed === "openInterest") return formatNumber(lastValue, 2);
  if (isEventFeed(feed)) return `${lastValue > 0 ? "+" : ""}${formatNumber(lastValue, 2)}`;
  return formatSignedPercent(lastValue, 4);
}

/** What arrives beside the bars: the newest value of each feed, how old it is, and what is missing. */
export function FeedTable() {
  const feeds = useQuery(api.feeds.console.list, {});
  const [openKey, setOpenKey] = useState<string | null>(null);
  if (feeds === undefined) return <SkeletonRows rows={4} />;
  if (feeds.length === 0) {
    return (
      <EmptyState
        icon={Radio}
        title="No feed stored yet"
        command="npm run -s assay -- import <file.csv> --feed funding --instrument XAUT-USDT"
      >
        Funding, basis and open interest come from the exchange each minute; files and posted events join
        them.
      </EmptyState>
    );
  }
  const open = feeds.find((feed) => keyOf(feed) === openKey);
  return (
    <>
      <DataTable
        caption="Feeds beside the bars"
        rows={feeds}
        rowKey={keyOf}
        onOpen={(feed) => setOpenKey(keyOf(feed))}
        maxHeight="420px"
        columns={[
          {
            id: "feed",
            header: "Feed",
            lead: true,
            cell: (feed) => (
              <span className="inline-flex flex-wrap items-center gap-2">
                <span className="font-medium">
                  {feed.instrument} {LABELS[feed.feed]}
                </span>
                {feed.simulated ? <SimulatedTag /> : <span className="text-faint">{feed.source}</span>}
              </span>
            ),
          },
          { id: "value", header: "Newest", numeric: true, cell: value },
          {
            id: "sign",
            header: "Means",
            wide: true,
            cell: (feed) => <span className="text-soft">{FEED_FACTS[feed.feed].sign}</span>,
          },
          { id: "age", header: "Age", numeric: true, cell: (feed) => <Age atMs={feed.lastEventAtMs} /> },
          { id: "rows", header: "Rows", numeric: true, cell: (feed) => formatCount(feed.rows) },
          {
            id: "revisions",
            header: "Corrections",
            numeric: true,
            cell: (feed) => formatCount(feed.revisions),
          },
          {
            id: "gaps",
            header: "Gaps",
            numeric: true,
            cell: (feed) => (
              <span className={feed.gaps > 0 ? "text-warn" : undefined}>
                {isEventFeed(feed.feed) ? "none expected" : formatCount(feed.gaps)}
              </span>
            ),
          },
        ]}
      />
      <Dialog
        kind="drawer"
        open={open !== undefined}
        onOpenChange={(isOpen) => {
          if (!isOpen) setOpenKey(null);
        }}
        title={open === undefined ? "Feed" : `${LABELS[open.feed]} of ${open.instrument}`}
      >
        {open === undefined ? null : <FeedDetail feed={open} />}
      </Dialog>
    </>
  );
}

function FeedDetail({ feed }: { feed: Feed }) {
  const { unit, sign } = FEED_FACTS[feed.feed];
  return (
    <div className="flex flex-col gap-4 p-4">
      <Facts
        rows={[
          ["Unit", unit],
          ["Sign", sign],
          ["Source", feed.source],
          ["Newest value", value(feed)],
          ["Newest event", <When key="event" atMs={feed.lastEventAtMs} />],
          ["Last received", <When key="received" atMs={feed.lastReceivedAtMs} />],
          ["Counts from", <When key="available" atMs={feed.lastAvailableAtMs} />],
          ["First event", <When key="first" atMs={feed.firstEventAtMs} />],
        ]}
      />
      {isEventFeed(feed.feed) ? (
        <Events instrument={feed.instrument} feed={feed.feed} />
      ) : (
        <Gaps feed={feed} />
      )}
    </div>
  );
}

function Gaps({ feed: { instrument, feed, source } }: { feed: Feed }) {
  const gaps = useQuery(api.feeds.console.gaps, { instrument, feed, source });
  if (gaps === undefined) return <SkeletonRows rows={3} />;
  if (gaps.length === 0) return <EmptyState icon={CheckCircle2} title="No gap on record" />;
  return (
    <DataTable
      caption="Gaps, newest first"
      rows={gaps}
      rowKey={(gap) => String(gap.fromMs)}
      maxHeight="360px"
      columns={[
        { id: "from", header: "After", lead: true, cell: (gap) => <When atMs={gap.fromMs} /> },
        { id: "to", header: "Next", cell: (gap) => <When atMs={gap.toMs} /> },
        {
          id: "length",
          header: "Length",
          numeric: true,
          cell: (gap) => formatDuration(gap.toMs - gap.fromMs),
        },
        { id: "missing", header: "Points", numeric: true, cell: (gap) => formatCount(gap.missing) },
      ]}
    />
  );
}

function Events({ instrument, feed }: { instrument: string; feed: EventFeed }) {
  const events = useQuery(api.feeds.console.events, { instrument, feed });
  if (events === undefined) return <SkeletonRows rows={3} />;
  return (
    <DataTable
      caption="Events, newest first"
      rows={events}
      rowKey={(event) => event._id}
      maxHeight="420px"
      columns={[
        {
          id: "title",
          header: "Event",
          lead: true,
          cell: (event) => (
            <span>
              {event.title} <span className="text-faint">{event.publisher}</span>
              {event.corrects === undefined ? null : (
                <span className="text-faint"> corrects {event.corrects}</span>
              )}
            </span>
          ),
        },
        {
          id: "confidence",
          header: "Confidence",
          numeric: true,
          cell: (event) => formatPercent(event.confidence, 0),
        },
        { id: "score", header: "Score", numeric: true, cell: (event) => formatNumber(event.score, 2) },
        {
          id: "received",
          header: "Received",
          numeric: true,
          cell: (event) => <When atMs={event.receivedAtMs} />,
        },
      ]}
    />
  );
}
