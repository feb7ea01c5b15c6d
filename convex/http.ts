import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server";

const http = httpRouter();

/** Answers without an identity and says nothing about the desk. */
http.route({
  path: "/health",
  method: "GET",
  handler: httpAction(async () => new Response("ok", { headers: { "content-type": "text/plain" } })),
});

export default http;
