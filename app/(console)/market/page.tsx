import type { Metadata } from "next";
import { MarketPage } from "./_components/MarketPage";

export const metadata: Metadata = { title: "Market" };

export default function Page() {
  return <MarketPage />;
}
