"use client";
import { KeyRound } from "lucide-react";
import { type FormEvent, useCallback, useEffect, useRef, useState } from "react";
import { Button } from "@/components/ui/Button";
import { CommandLine, InlineError } from "@/components/ui/States";

interface SignInFormProps {
  code: string;
  next: string;
}

/** Sends the code once the page is really open in a browser; the button is there for when scripts are slow. */
export function SignInForm({ code, next }: SignInFormProps) {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const hasSent = useRef(false);

  const redeem = useCallback(async () => {
    if (hasSent.current) return;
    hasSent.current = true;
    setIsBusy(true);
    setError(null);
    try {
      const response = await fetch("/api/auth/redeem", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ code, next }),
      });
      const body = (await response.json()) as { next?: string; error?: { message: string } };
      if (response.ok) {
        window.location.replace(body.next ?? "/");
        return;
      }
      setError(body.error?.message ?? "Sign-in failed; print a new link and try again");
    } catch {
      setError("The console does not answer; check that the desk is running, then try again");
    }
    hasSent.current = false;
    setIsBusy(false);
  }, [code, next]);

  useEffect(() => {
    void redeem();
  }, [redeem]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    void redeem();
  };

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <h1 className="text-[16px] font-semibold">
        {error === null ? "Signing you in" : "This link did not work"}
      </h1>
      <InlineError message={error} />
      {error === null ? null : <CommandLine command="npm run -s assay -- sign-in" />}
      <Button type="submit" tone="primary" busy={isBusy} data-testid="sign-in-button">
        <KeyRound aria-hidden /> Sign in
      </Button>
    </form>
  );
}
