import type { Metadata } from "next";
import { DatasetsPage } from "./_components/DatasetsPage";

export const metadata: Metadata = { title: "Datasets" };

export default function Page() {
  return <DatasetsPage />;
}
