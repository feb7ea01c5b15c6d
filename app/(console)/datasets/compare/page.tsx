import type { Metadata } from "next";
import { CompareDatasetsPage } from "./_components/CompareDatasetsPage";

export const metadata: Metadata = { title: "Compare datasets" };

export default function Page() {
  return <CompareDatasetsPage />;
}
