import { NextResponse } from "next/server";
import { isSameOrigin, SESSION_COOKIE } from "@/app/_server/session";

export async function POST(request: Request): Promise<NextResponse> {
  if (!isSameOrigin(request)) return NextResponse.json({ error: "foreign origin" }, { status: 403 });
  const response = NextResponse.json({ signedOut: true });
  response.cookies.delete(SESSION_COOKIE);
  return response;
}
