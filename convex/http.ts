import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server";
import { postEvents } from "./feeds/http";

const http = httpRouter();

/** Answers without an identity and says nothing about the desk. */
http.route({
  path: "/health",
  method: "GET",
  handler: httpAction(async () => new Response("ok", { headers: { "content-type": "text/plain" } })),
});

/** Events from machines outside the desk; the function behind it proves the token and its scope. */
http.route({
  path: "/v1/events",
  method: "POST",
  handler: httpAction((ctx, request) => postEvents(ctx, request)),
});

export default http;
