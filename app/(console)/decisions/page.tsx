import type { Metadata } from "next";
import { DecisionsPage } from "./_components/DecisionsPage";

export const metadata: Metadata = { title: "Decisions" };

export default function Page() {
  return <DecisionsPage />;
}
