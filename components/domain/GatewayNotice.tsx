"use client";
import { useQuery } from "convex/react";
import { TimerReset } from "lucide-react";
import { api } from "@/convex/_generated/api";
import { formatDuration } from "../format";
import { useNow } from "../providers/clock";
import { When } from "./Age";

/** The exchanges that asked not to be called, for as long as that holds. */
export function useGatewayHolds() {
  const holds = useQuery(api.market.console.gatewayHolds, {});
  const now = useNow();
  return now === null ? [] : (holds ?? []).filter((hold) => hold.untilMs > now);
}

/** Says which exchange refuses calls, until when and in its own words; nothing while all answer. */
export function GatewayNotice() {
  const holds = useGatewayHolds();
  const now = useNow();
  if (holds.length === 0 || now === null) return null;
  return (
    <ul className="flex flex-col gap-2" data-testid="gateway-hold">
      {holds.map((hold) => (
        <li
          key={hold.source}
          role="status"
          className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg border border-warn/45 bg-warn/8 px-4 py-2.5 text-[13px]"
        >
          <TimerReset className="size-4 shrink-0 text-warn" aria-hidden />
          <p className="min-w-0 flex-1 break-words">
            <strong className="font-semibold text-warn">Exchange {hold.source} on hold</strong> until{" "}
            <When atMs={hold.untilMs} /> (another {formatDuration(hold.untilMs - now)}): no bar is fetched,
            because a call before that would lengthen the penalty.{" "}
            <span className="text-faint">{hold.reason}</span>
          </p>
        </li>
      ))}
    </ul>
  );
}
