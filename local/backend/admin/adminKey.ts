import { readFileSync } from "node:fs";
import { OperatorError } from "../store/store";

/** The admin key itself, or what a file holds: a key in the arguments is seen by everybody who lists processes. */
export function adminKeyOf(key: string | undefined, file: string | undefined): string | undefined {
  if (file === undefined) return key;
  if (key !== undefined) throw new OperatorError("Give --admin-key or --admin-key-file, not both.");
  let text: string;
  try {
    text = readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new OperatorError(`The admin key file ${file} cannot be read: ${(error as Error).message}`);
  }
  if (text === "") throw new OperatorError(`The admin key file ${file} is empty. Write a key into it.`);
  return text;
}
