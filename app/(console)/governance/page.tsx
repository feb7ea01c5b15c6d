import type { Metadata } from "next";
import { GovernancePage } from "./_components/GovernancePage";

export const metadata: Metadata = { title: "Governance" };

export default function Page() {
  return <GovernancePage />;
}
