import { NextResponse } from "next/server";
import { readSession, signConvexToken } from "@/app/_server/session";

/** A fresh token for the control plane, for the session in the cookie; 401 without one. */
export async function GET(): Promise<NextResponse> {
  const headers = { "cache-control": "no-store" };
  const session = await readSession();
  if (session === null) return NextResponse.json({ error: "not signed in" }, { status: 401, headers });
  return NextResponse.json({ token: await signConvexToken(session) }, { headers });
}
