import type { Metadata } from "next";
import type { Id } from "@/convex/_generated/dataModel";
import { SearchPage } from "./_components/SearchPage";

export const metadata: Metadata = { title: "Search" };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <SearchPage searchId={id as Id<"searches">} />;
}
