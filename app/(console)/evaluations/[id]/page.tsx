import type { Metadata } from "next";
import type { Id } from "@/convex/_generated/dataModel";
import { EvaluationPage } from "./_components/EvaluationPage";

export const metadata: Metadata = { title: "Evaluation" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <EvaluationPage evaluationId={id as Id<"evaluations">} />;
}
