"use client";
import { useEffect } from "react";

/** To the sign-in page, remembering the deep link that brought the visitor here. */
export function RedirectToSignIn() {
  useEffect(() => {
    const here = `${window.location.pathname}${window.location.search}`;
    window.location.replace(here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`);
  }, []);
  return (
    <main className="flex min-h-dvh items-center justify-center text-[13px] text-soft">
      <a className="underline underline-offset-4" href="/sign-in">
        Sign in to see this desk
      </a>
    </main>
  );
}
