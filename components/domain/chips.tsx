import type { LucideIcon } from "lucide-react";
import {
  ArrowDown,
  ArrowUp,
  Ban,
  CheckCircle2,
  CircleDashed,
  Clock3,
  Crown,
  Database,
  FlaskConical,
  FlaskRound,
  Footprints,
  Ghost,
  ListChecks,
  Loader2,
  MinusCircle,
  Octagon,
  PauseCircle,
  PlayCircle,
  ShieldAlert,
  ShieldCheck,
  StopCircle,
  TriangleAlert,
  Undo2,
  XCircle,
} from "lucide-react";
import { actionWord, sideWord } from "../format";
import { Chip, type Tone } from "../ui/Chip";

interface Look {
  tone: Tone;
  icon: LucideIcon;
  word: string;
}

const STATES: Record<string, Look> = {
  queued: { tone: "neutral", icon: Clock3, word: "Queued" },
  running: { tone: "info", icon: PlayCircle, word: "Running" },
  paused: { tone: "warn", icon: PauseCircle, word: "Paused" },
  finished: { tone: "ok", icon: CheckCircle2, word: "Finished" },
  stopped: { tone: "neutral", icon: StopCircle, word: "Stopped" },
  failed: { tone: "bad", icon: XCircle, word: "Failed" },
  succeeded: { tone: "ok", icon: CheckCircle2, word: "Succeeded" },
  cancelled: { tone: "neutral", icon: Ban, word: "Cancelled" },
  training: { tone: "info", icon: Loader2, word: "Training" },
  candidate: { tone: "neutral", icon: CircleDashed, word: "Candidate" },
  champion: { tone: "gold", icon: Crown, word: "Champion" },
  retired: { tone: "neutral", icon: MinusCircle, word: "Retired" },
  ok: { tone: "ok", icon: CheckCircle2, word: "OK" },
  degraded: { tone: "warn", icon: TriangleAlert, word: "Degraded" },
  promoted: { tone: "gold", icon: Crown, word: "Promoted" },
  rolledBack: { tone: "warn", icon: Undo2, word: "Rolled back" },
  dataset: { tone: "info", icon: Database, word: "Building dataset" },
  walkForward: { tone: "info", icon: Footprints, word: "Walking forward" },
  evaluation: { tone: "info", icon: FlaskRound, word: "Evaluating" },
  championEvaluation: { tone: "info", icon: FlaskRound, word: "Evaluating the champion" },
  gates: { tone: "info", icon: ListChecks, word: "At the gates" },
  shadow: { tone: "info", icon: Ghost, word: "Shadow running" },
  waiting: { tone: "neutral", icon: Clock3, word: "Waiting" },
  promote: { tone: "ok", icon: CheckCircle2, word: "Promote" },
  reject: { tone: "bad", icon: XCircle, word: "Reject" },
  ended: { tone: "neutral", icon: StopCircle, word: "Ended" },
  calm: { tone: "ok", icon: CheckCircle2, word: "Calm" },
  warning: { tone: "warn", icon: TriangleAlert, word: "Warning" },
  severe: { tone: "bad", icon: Octagon, word: "Severe" },
  refused: { tone: "bad", icon: XCircle, word: "Refused" },
  forced: { tone: "warn", icon: ShieldAlert, word: "Forced" },
  intended: { tone: "info", icon: Clock3, word: "Intended" },
  sent: { tone: "info", icon: Clock3, word: "Sent" },
  accepted: { tone: "info", icon: Clock3, word: "Accepted" },
  partiallyFilled: { tone: "warn", icon: CircleDashed, word: "Partly filled" },
  pendingCancel: { tone: "warn", icon: Clock3, word: "Cancelling" },
  unknown: { tone: "bad", icon: TriangleAlert, word: "Unknown" },
  filled: { tone: "ok", icon: CheckCircle2, word: "Filled" },
  canceled: { tone: "neutral", icon: Ban, word: "Cancelled" },
  expired: { tone: "neutral", icon: Ban, word: "Expired" },
  rejected: { tone: "bad", icon: XCircle, word: "Rejected" },
  blocked: { tone: "bad", icon: ShieldAlert, word: "Blocked" },
  notAccepted: { tone: "bad", icon: XCircle, word: "Not accepted" },
};

interface StatusChipProps {
  status: string;
  "data-testid"?: string;
}

/** The state of a run, job, version, order, promotion or quality verdict. */
export function StatusChip({ status, ...rest }: StatusChipProps) {
  const look = STATES[status] ?? { tone: "neutral" as const, icon: CircleDashed, word: status };
  return (
    <Chip tone={look.tone} icon={look.icon} data-status={status} {...rest}>
      {look.word}
    </Chip>
  );
}

/** Anything that did not come from a real market wears this. */
export function SimulatedTag() {
  return (
    <Chip
      tone="warn"
      icon={FlaskConical}
      title="Prices from the local exchange's simulation, not from a market"
    >
      SIMULATED
    </Chip>
  );
}

export function PaperTag() {
  return (
    <Chip tone="gold" title="Fills and money are computed by the paper venue; no order leaves this machine">
      PAPER
    </Chip>
  );
}

/** What the policy wants: the word, an arrow and a colour. */
export function ActionChip({ action }: { action: number | null }) {
  if (action === null) return <Chip icon={MinusCircle}>None</Chip>;
  const tone: Tone = action === 2 ? "up" : action === 0 ? "down" : "neutral";
  const icon = action === 2 ? ArrowUp : action === 0 ? ArrowDown : MinusCircle;
  return (
    <Chip tone={tone} icon={icon}>
      {actionWord(action)}
    </Chip>
  );
}

export function SideChip({ qty }: { qty: number }) {
  const side = sideWord(qty);
  return (
    <Chip
      tone={side === "long" ? "up" : side === "short" ? "down" : "neutral"}
      icon={side === "long" ? ArrowUp : side === "short" ? ArrowDown : MinusCircle}
    >
      {side.toUpperCase()}
    </Chip>
  );
}

export function OutcomeChip({ outcome }: { outcome: "order" | "hold" }) {
  return outcome === "order" ? (
    <Chip tone="info" icon={CheckCircle2}>
      Order
    </Chip>
  ) : (
    <Chip icon={PauseCircle}>Hold</Chip>
  );
}

export function PassChip({ passed }: { passed: boolean }) {
  return passed ? (
    <Chip tone="ok" icon={CheckCircle2}>
      Pass
    </Chip>
  ) : (
    <Chip tone="bad" icon={XCircle}>
      Fail
    </Chip>
  );
}

export type KillMode = "armed" | "noNewRisk" | "cancelAll" | "flatten";

export const KILL_WORDS: Record<KillMode, string> = {
  armed: "Armed",
  noNewRisk: "No new risk",
  cancelAll: "Cancel all",
  flatten: "Flatten",
};

/** Armed means trading is allowed; every other word means the switch holds it back. */
export function KillChip({ mode }: { mode: KillMode }) {
  return (
    <Chip
      tone={mode === "armed" ? "ok" : "bad"}
      icon={mode === "armed" ? ShieldCheck : Octagon}
      data-testid="kill-state"
      title={
        mode === "armed"
          ? "Kill switch armed: trading is allowed"
          : `Kill switch engaged: ${KILL_WORDS[mode]}`
      }
    >
      {mode === "armed" ? "Armed" : `KILLED: ${KILL_WORDS[mode]}`}
    </Chip>
  );
}
