import type { Metadata } from "next";
import { safeNextPath } from "@/components/safeNextPath";
import { Brand } from "@/components/shell/Brand";
import { CommandLine } from "@/components/ui/States";
import { SignInForm } from "./_components/SignInForm";

export const metadata: Metadata = { title: "Sign in" };

interface SignInProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export default async function SignInPage({ searchParams }: SignInProps) {
  const { code, next } = await searchParams;
  return (
    <main className="flex min-h-dvh items-center justify-center p-5">
      <div className="w-full max-w-[420px] rounded-xl border border-line bg-panel p-7">
        <Brand className="text-[20px]" />
        <p className="mt-1 mb-6 text-[13px] text-faint">A gold trading desk that can prove itself.</p>
        {typeof code === "string" && code !== "" ? (
          <SignInForm code={code} next={safeNextPath(next)} />
        ) : (
          <div className="flex flex-col gap-3">
            <h1 className="text-[16px] font-semibold">Sign in with a one-time link</h1>
            <p className="text-[13px] text-soft">
              The desk printed a link when it started. A link works once and for 15 minutes. To print a new
              one, run this in the folder of the desk:
            </p>
            <CommandLine command="npm run -s assay -- sign-in" />
            <p className="text-[13px] text-faint">No password, no account, nothing leaves this machine.</p>
          </div>
        )}
      </div>
    </main>
  );
}
