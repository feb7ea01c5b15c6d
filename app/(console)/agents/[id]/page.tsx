import type { Metadata } from "next";
import type { Id } from "@/convex/_generated/dataModel";
import { AgentPage } from "./_components/AgentPage";

export const metadata: Metadata = { title: "Agent version" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <AgentPage versionId={id as Id<"agentVersions">} />;
}
