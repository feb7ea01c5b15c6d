import type { Metadata } from "next";
import { RunsPage } from "./_components/RunsPage";

export const metadata: Metadata = { title: "Runs" };

export default function Page() {
  return <RunsPage />;
}
