import { ConvexHttpClient } from "convex/browser";
import { ConvexError } from "convex/values";
import { NextResponse } from "next/server";
import {
  ConfigurationError,
  convexUrl,
  isSameOrigin,
  SESSION_COOKIE,
  SESSION_SECONDS,
  signSession,
} from "@/app/_server/session";
import { safeNextPath } from "@/components/safeNextPath";
import { api } from "@/convex/_generated/api";
import { appError, asAppError } from "@/lib/contract/errors";
import { sha256Hex } from "@/lib/core/sha256";

const CODE_CHARS_MAX = 200;

function refuse(status: number, code: string, message: string) {
  return NextResponse.json({ error: { code, message } }, { status });
}

/** Uses up a one-time code and opens a session. Only a POST of our own page does: link previews use GET. */
export async function POST(request: Request): Promise<NextResponse> {
  if (!isSameOrigin(request)) return refuse(403, "FORBIDDEN", "Sign in from the console's own page");
  const body = (await request.json().catch(() => null)) as { code?: unknown; next?: unknown } | null;
  const code = body?.code;
  if (typeof code !== "string" || code.length === 0 || code.length > CODE_CHARS_MAX) {
    return refuse(400, "INVALID_ARGUMENT", "The link carries no code; print a new one with: assay sign-in");
  }
  try {
    const client = new ConvexHttpClient(convexUrl());
    const member = await client.mutation(api.access.console.redeemLink, { codeHash: sha256Hex(code) });
    if (member === null) {
      const { code, message } = appError(
        "LINK_INVALID",
        "This sign-in link is not valid any more; print a new one with: assay sign-in",
      );
      return refuse(403, code, message);
    }
    const response = NextResponse.json({ next: safeNextPath(body?.next), role: member.role });
    response.cookies.set(SESSION_COOKIE, await signSession(member), {
      httpOnly: true,
      sameSite: "lax",
      secure: new URL(request.url).protocol === "https:",
      path: "/",
      maxAge: SESSION_SECONDS,
    });
    return response;
  } catch (error) {
    if (error instanceof ConvexError) {
      const data = asAppError(error.data);
      if (data?.retryAfterMs !== undefined) {
        const headers = { "retry-after": String(Math.ceil(data.retryAfterMs / 1000)) };
        return NextResponse.json(
          { error: { code: data.code, message: data.message } },
          { status: 429, headers },
        );
      }
      if (data !== null) return refuse(403, data.code, data.message);
    }
    if (error instanceof ConfigurationError) return refuse(500, "CONFIGURATION", error.message);
    console.error("sign-in failed:", error);
    return refuse(
      503,
      "UNAVAILABLE",
      "The control plane does not answer; check that the backend runs, then try again",
    );
  }
}
