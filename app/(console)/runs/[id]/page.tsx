import type { Metadata } from "next";
import type { Id } from "@/convex/_generated/dataModel";
import { RunPage } from "./_components/RunPage";

export const metadata: Metadata = { title: "Run" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <RunPage runId={id as Id<"runs">} />;
}
