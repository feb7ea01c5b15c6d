import type { Metadata } from "next";
import type { Id } from "@/convex/_generated/dataModel";
import { WalkForwardPage } from "./_components/WalkForwardPage";

export const metadata: Metadata = { title: "Walk-forward" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <WalkForwardPage walkForwardId={id as Id<"walkForwards">} />;
}
