import { cn } from "../cn";

export function Brand({ className }: { className?: string }) {
  return (
    <span
      className={cn("inline-flex items-center gap-2 text-[16px] font-semibold tracking-tight", className)}
    >
      <svg viewBox="0 0 32 32" className="size-6" aria-hidden>
        <path
          d="M9 25 16 7l7 18M11.6 19h8.8"
          fill="none"
          stroke="var(--gold)"
          strokeWidth="3"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      Assay
    </span>
  );
}
