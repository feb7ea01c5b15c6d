import type { Metadata } from "next";
import type { Id } from "@/convex/_generated/dataModel";
import { CyclePage } from "./_components/CyclePage";

export const metadata: Metadata = { title: "Learning cycle" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <CyclePage cycleId={id as Id<"learningCycles">} />;
}
