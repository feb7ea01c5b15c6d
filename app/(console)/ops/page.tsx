import type { Metadata } from "next";
import { OpsPage } from "./_components/OpsPage";

export const metadata: Metadata = { title: "Ops and audit" };

export default function Page() {
  return <OpsPage />;
}
