import { ConvexError } from "convex/values";
import { asAppError } from "@/lib/contract/errors";

/** What to tell the operator: the server's own sentence where it gave one, else the technical message. */
export function errorText(error: unknown): string {
  if (error instanceof ConvexError) {
    const data = asAppError(error.data);
    if (data !== null) return data.message;
    return typeof error.data === "string" ? error.data : JSON.stringify(error.data);
  }
  if (error instanceof Error) {
    if (/ArgumentValidationError|does not match validator|Invalid ID/i.test(error.message)) {
      return "This address does not name anything on this desk; check the link.";
    }
    return error.message.replace(/^\[CONVEX [^\]]*\]\s*/, "").replace(/\[Request ID: [^\]]*\]\s*/, "");
  }
  return String(error);
}
