import type { Metadata } from "next";
import { OverviewPage } from "./_components/OverviewPage";

export const metadata: Metadata = { title: "Overview" };

export default function Page() {
  return <OverviewPage />;
}
