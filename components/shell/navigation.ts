import type { LucideIcon } from "lucide-react";
import {
  Activity,
  CandlestickChart,
  Coins,
  Database,
  FlaskRound,
  Gauge,
  GraduationCap,
  ListChecks,
  ScrollText,
  ShieldCheck,
  Sparkles,
} from "lucide-react";

export interface Place {
  href: string;
  label: string;
  icon: LucideIcon;
  /** The letter after g. */
  key: string;
}

/** The console's pages in the order of the work: see, feed, train, judge, run, prove, govern. */
export const PLACES: readonly Place[] = [
  { href: "/", label: "Overview", icon: Gauge, key: "o" },
  { href: "/market", label: "Market", icon: CandlestickChart, key: "m" },
  { href: "/datasets", label: "Datasets", icon: Database, key: "d" },
  { href: "/agents", label: "Agents", icon: Sparkles, key: "a" },
  { href: "/evaluations", label: "Evaluations", icon: FlaskRound, key: "e" },
  { href: "/learning", label: "Learning", icon: GraduationCap, key: "l" },
  { href: "/costs", label: "Costs", icon: Coins, key: "c" },
  { href: "/runs", label: "Runs", icon: Activity, key: "r" },
  { href: "/decisions", label: "Decisions", icon: ListChecks, key: "i" },
  { href: "/governance", label: "Governance", icon: ShieldCheck, key: "v" },
  { href: "/ops", label: "Ops and audit", icon: ScrollText, key: "p" },
];

/** On a phone these four are always at hand; the rest is behind More. */
export const PHONE_PLACES = ["/", "/runs", "/decisions", "/market"];

export function isHere(href: string, pathname: string): boolean {
  return href === "/" ? pathname === "/" : pathname === href || pathname.startsWith(`${href}/`);
}
