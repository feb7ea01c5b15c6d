"use client";
import { LogOut } from "lucide-react";
import { useMember } from "../providers/MemberProvider";

async function signOut(): Promise<void> {
  await fetch("/api/auth/sign-out", { method: "POST" });
  window.location.replace("/sign-in");
}

export function MemberCard() {
  const { displayName, role } = useMember();
  return (
    <div className="flex items-center gap-2.5 border-t border-line px-4 py-3">
      <span
        aria-hidden
        className="flex size-7 shrink-0 items-center justify-center rounded-full bg-raised text-[12px] font-semibold text-gold"
      >
        {displayName.slice(0, 1).toUpperCase()}
      </span>
      <span className="min-w-0 flex-1">
        <span className="block truncate text-[13px] font-medium">{displayName}</span>
        <span className="block text-[11px] text-faint" data-testid="member-role">
          {role}
        </span>
      </span>
      <button
        type="button"
        onClick={() => void signOut()}
        aria-label="Sign out"
        title="Sign out"
        className="inline-flex size-8 items-center justify-center rounded-md text-faint hover:bg-raised hover:text-ink"
      >
        <LogOut className="size-4" aria-hidden />
      </button>
    </div>
  );
}
