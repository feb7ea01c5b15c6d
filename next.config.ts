import type { NextConfig } from "next";

/** The Convex origin when it is known at build time; loopback is always allowed for the embedded backend. */
function connectSources(): string[] {
  const sources = [
    "'self'",
    "http://127.0.0.1:*",
    "ws://127.0.0.1:*",
    "http://localhost:*",
    "ws://localhost:*",
  ];
  if (process.env.CONVEX_URL) {
    const { origin, host, protocol } = new URL(process.env.CONVEX_URL);
    sources.push(origin, `${protocol === "https:" ? "wss" : "ws"}://${host}`);
  }
  return sources;
}

/** Clerk's own host, spelled inside its publishable key; nothing when Clerk is not used. */
function clerkOrigin(): string[] {
  const encoded = process.env.NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY?.split("_")[2];
  if (!encoded) return [];
  const host = Buffer.from(encoded, "base64").toString("utf8").replace(/\$$/, "");
  return [`https://${host}`];
}

const isDevelopment = process.env.NODE_ENV === "development";

/** No foreign host. Inline scripts carry the page's own streamed data, which Next.js writes without a nonce. */
const contentSecurityPolicy = [
  "default-src 'self'",
  ["script-src 'self' 'unsafe-inline'", isDevelopment ? "'unsafe-eval'" : "", ...clerkOrigin()].join(" "),
  "style-src 'self' 'unsafe-inline'",
  ["img-src 'self' data: blob:", ...clerkOrigin()].join(" "),
  "font-src 'self'",
  ["connect-src", ...connectSources(), ...clerkOrigin()].join(" "),
  "worker-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const nextConfig: NextConfig = {
  poweredByHeader: false,
  reactStrictMode: true,
  headers: async () => [
    {
      source: "/:path*",
      headers: [
        { key: "Content-Security-Policy", value: contentSecurityPolicy },
        { key: "X-Content-Type-Options", value: "nosniff" },
        { key: "X-Frame-Options", value: "DENY" },
        { key: "Referrer-Policy", value: "no-referrer" },
        { key: "Permissions-Policy", value: "camera=(), microphone=(), geolocation=(), payment=()" },
        { key: "Cross-Origin-Opener-Policy", value: "same-origin" },
      ],
    },
  ],
};

export default nextConfig;
