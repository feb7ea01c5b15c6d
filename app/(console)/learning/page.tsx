import type { Metadata } from "next";
import { LearningPage } from "./_components/LearningPage";

export const metadata: Metadata = { title: "Learning" };

export default function Page() {
  return <LearningPage />;
}
