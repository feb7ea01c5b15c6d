import type { Metadata } from "next";
import { EvaluationsPage } from "./_components/EvaluationsPage";

export const metadata: Metadata = { title: "Evaluations" };

export default function Page() {
  return <EvaluationsPage />;
}
