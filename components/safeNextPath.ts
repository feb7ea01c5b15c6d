/** A path on this site to go to after signing in; anything that could leave the site becomes "/". */
export function safeNextPath(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/")) return "/";
  const base = "http://console.invalid";
  try {
    const url = new URL(next, base);
    if (url.origin !== base || next.startsWith("//") || next.includes("\\")) return "/";
    return `${url.pathname}${url.search}`;
  } catch {
    return "/";
  }
}
