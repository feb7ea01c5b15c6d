import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "../cn";

export type Tone = "neutral" | "ok" | "warn" | "bad" | "info" | "gold" | "up" | "down";

const TONES: Record<Tone, string> = {
  neutral: "border-line bg-raised text-soft",
  ok: "border-ok/35 bg-ok/10 text-ok",
  warn: "border-warn/40 bg-warn/10 text-warn",
  bad: "border-bad/40 bg-bad/10 text-bad",
  info: "border-info/35 bg-info/10 text-info",
  gold: "border-gold/40 bg-gold/10 text-gold",
  up: "border-up/35 bg-up/10 text-up",
  down: "border-down/35 bg-down/10 text-down",
};

interface ChipProps {
  tone?: Tone;
  icon?: LucideIcon;
  title?: string;
  className?: string;
  children: ReactNode;
  "data-testid"?: string;
}

/** A state in one word. Colour only underlines it: the word, and mostly an icon, carry the meaning. */
export function Chip({ tone = "neutral", icon: Icon, className, children, ...rest }: ChipProps) {
  return (
    <span
      className={cn(
        "inline-flex h-5.5 shrink-0 items-center gap-1 rounded border px-1.5 text-[11px] font-medium whitespace-nowrap",
        TONES[tone],
        className,
      )}
      {...rest}
    >
      {Icon ? <Icon className="size-3" aria-hidden /> : null}
      {children}
    </span>
  );
}
